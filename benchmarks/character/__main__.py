"""`python -m benchmarks.character --output FOLDER` has ten characters write, and prints what of it can be counted.

The four demo characters and six more post and answer by the production services, against the sandbox: the writing is
that of the agents service, and only the clock stands still.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.character.embedding import embedder
from benchmarks.character.report import report
from benchmarks.character.running import Run as Work
from benchmarks.character.running import personas_by_id
from benchmarks.character.texts import Run, Text, draw, markdown, read, write
from puppetctl import DEMO_PERSONAS
from puppetctl.characters.personas import PersonaFile, persona_files, read_personas
from puppetctl.local import model
from puppetctl.local.stopping import stopped_by_signal, unless
from puppetctl.rehearsal.hosting import hosted
from puppetctl.rehearsal.isolation import LOCAL
from puppetctl.rehearsal.plan import Plan
from puppetctl.suite import SuiteError
from sandbox.llm.model import SETTING, SMOLLM2

_MORE = Path(__file__).with_name("personas")
_SPEED = 3600.0

console = Console()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.character", description=__doc__)
    parser.add_argument("--output", type=Path, help="the folder in which texts and figures are written")
    parser.add_argument("--read", type=Path, help="the folder of an earlier run: nobody writes, and it is counted anew")
    parser.add_argument("--posts", type=int, default=80, help="how many of each character (%(default)s)")
    parser.add_argument("--replies", type=int, default=8, help="how many mentions each is to answer (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="draws the mentions, and the texts that are shown")
    parser.add_argument("--model", default="", help="the sandbox's: a GGUF file, `gemma` or `qwen`")
    parser.add_argument("--provider", default=LOCAL, help="another provider, by the settings of the llm service")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="only these characters")
    parser.add_argument("--baseline", action="store_true", help="beside the same model without the pipeline")
    parser.add_argument("--draw", type=int, nargs=2, metavar=("POSTS", "REPLIES"), help="print so many, by the seed")
    return parser


async def main(arguments: Sequence[str]) -> int:
    """Run the benchmark, or read one that was run, and print its figures. Raises SuiteError."""
    parser = _arguments()
    given = parser.parse_args(arguments)
    if (given.output is None) == (given.read is None):
        parser.error("give either --output, for a new run, or --read")
    files, refused = read_personas([*persona_files(DEMO_PERSONAS), *persona_files(_MORE)])
    if refused:
        raise SuiteError("\n".join(refused))
    if unknown := set(given.only) - {file.id for file in files}:
        raise SuiteError(f"--only: there is no {', '.join(sorted(unknown))}")
    files = [file for file in files if not given.only or file.id in given.only]
    run = read(given.read) if given.read else await _written(files, given)
    made = report(run, personas_by_id(files), embedder())
    console.print(made, markup=False, highlight=False, soft_wrap=True)
    if given.output:
        write(run, given.output)
        (given.output / "report.md").write_text(f"{made}\n{markdown(run.texts)}", encoding="utf-8")
    if given.draw:
        console.print(f"Drawn by seed {given.seed}, as they came:\n", markup=False)
        posts, replies = given.draw
        drawn = draw(run, posts, replies, given.seed)
        console.print(markdown(drawn), markup=False, highlight=False, soft_wrap=True)
    return 0


async def _written(files: Sequence[PersonaFile], given: argparse.Namespace) -> Run:
    """Have the characters write, and keep what there is after each of them.

    Ctrl-C ends it sooner, and so does what goes wrong: what there is then counts. Raises SuiteError where that is
    nothing.
    """
    environment = model.with_model(os.environ, given.model)
    plan = Plan("character", files, [], None, _SPEED, given.seed, given.posts, given.provider)
    if plan.uses_sandbox_model:
        model.agree(environment)
    stopped = stopped_by_signal()
    writer = given.provider if given.provider != LOCAL else Path(environment.get(SETTING) or SMOLLM2.name).name
    texts: list[Text] = []
    run = Run(writer, given.seed, texts)
    with console.status("starting") as status:

        def tell(words: str) -> None:
            status.update(words)
            if not console.is_terminal:
                print(words, file=sys.stderr, flush=True)

        try:
            async with hosted(plan, environment, tell, lambda name, words: tell(f"{name} {words}")) as host:
                work = Work(
                    host,
                    plan,
                    given.replies,
                    texts,
                    tell,
                    lambda: write(run, given.output),
                    has_baseline=given.baseline,
                )
                await unless(stopped, work.work(), None)
        except SuiteError as error:
            if not texts:
                raise
            console.print(f"It ended before its time: {error}", markup=False)
    if not texts:
        raise SuiteError("it was stopped before anybody had written")
    return run


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1:])))
    except SuiteError as error:
        sys.exit(str(error))
