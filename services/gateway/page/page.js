// Signs in by the link's fragment, which never leaves the browser but for this, and shows the characters.
const state = document.querySelector("#state");

async function call(path, options = {}) {
  const headers = { "Content-Type": "application/json", "X-Puppet-Request": "1", ...options.headers };
  const answer = await fetch(path, { ...options, headers });
  const { data, error } = await answer.json();
  if (!answer.ok) throw new Error(error.message);
  return data;
}

async function signIn() {
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (!link) return call("/session");
  history.replaceState(null, "", location.pathname);
  return call("/session", { method: "POST", body: JSON.stringify({ link }) });
}

try {
  const session = await signIn();
  state.textContent = `Signed in as ${session.principal}.`;
  const { agents } = await call("/agents");
  document.querySelector("#agents").replaceChildren(
    ...agents.map((agent) => Object.assign(document.createElement("li"), { textContent: agent.name })),
  );
} catch (error) {
  state.textContent = error.message;
}
