// Shows openapi.json: what can be called, and with what. Texts are only ever set as text.

const VERBS = ["get", "post", "put", "patch", "delete"];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A schema in a few words: its type, or the name of what it refers to, with its limits. */
function inWords(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return `list of ${inWords(schema.items)}`;
  const limits = [
    schema.maxLength && `at most ${schema.maxLength} characters`,
    schema.minimum !== undefined && `from ${schema.minimum}`,
    schema.maximum !== undefined && `to ${schema.maximum}`,
    schema.format,
  ].filter(Boolean);
  return [schema.type ?? "any", ...limits].join(", ");
}

function rows(title, fields) {
  if (!fields.length) return [];
  const head = element("tr", {}, ...[title, "what", ""].map((text) => element("th", { scope: "col", textContent: text })));
  const body = fields.map(({ name, schema, required, description }) =>
    element(
      "tr",
      {},
      element("td", {}, element("code", { textContent: name })),
      element("td", { textContent: [inWords(schema), description].filter(Boolean).join(". ") }),
      element("td", { textContent: required ? "required" : "" }),
    ),
  );
  return [element("table", {}, element("thead", {}, head), element("tbody", {}, ...body))];
}

function fieldsOf(schema, components) {
  const found = schema?.$ref ? components[schema.$ref.split("/").pop()] : schema;
  return Object.entries(found?.properties ?? {}).map(([name, field]) => ({
    name,
    schema: field,
    required: found.required?.includes(name),
  }));
}

function operation(verb, path, described, components) {
  const summary = element(
    "summary",
    {},
    element("span", { className: "verb", textContent: verb.toUpperCase() }),
    element("span", { className: "path", textContent: path }),
    ` ${described.summary ?? ""}`,
  );
  const parameters = (described.parameters ?? []).map((it) => ({ ...it, name: `${it.name} (${it.in})` }));
  const body = described.requestBody?.content?.["application/json"]?.schema;
  const answers = Object.entries(described.responses).flatMap(([status, answer]) => {
    const schema = answer.content?.["application/json"]?.schema?.allOf?.[1]?.properties?.data;
    return schema ? rows(`data of ${status}`, fieldsOf(schema, components)) : [];
  });
  return element(
    "details",
    {},
    summary,
    element("div", {}, ...rows("parameter", parameters), ...rows("body", fieldsOf(body, components)), ...answers),
  );
}

const state = document.querySelector("#state");
try {
  const answer = await fetch("openapi.json");
  const described = await answer.json();
  const groups = new Map();
  for (const [path, verbs] of Object.entries(described.paths)) {
    for (const verb of VERBS.filter((name) => verbs[name])) {
      const tag = verbs[verb].tags?.[0] ?? "";
      groups.set(tag, [...(groups.get(tag) ?? []), operation(verb, path, verbs[verb], described.components.schemas)]);
    }
  }
  for (const [tag, operations] of groups) {
    document.querySelector("#contents").append(element("a", { href: `#${tag}`, textContent: tag }));
    document.querySelector("#operations").append(element("h2", { id: tag, textContent: tag }), ...operations);
  }
  state.remove();
} catch (error) {
  state.textContent = `The description can't be read: ${error.message}`;
}
