// Personas as data: reading and writing by path, what differs between two, and what the schema holds against one.

/** Returns what is at a path of an object, such as `style_guide.tone`. */
export function at(value, path) {
  return path.split(".").reduce((inner, name) => inner?.[name], value);
}

/** Returns an object with another value at a path; what is empty isn't kept. */
export function withValue(value, path, next) {
  const [name, ...rest] = path.split(".");
  const inner = rest.length ? withValue(value?.[name] ?? {}, rest.join("."), next) : next;
  const after = { ...value };
  if (inner === undefined || inner === "" || (rest.length && Object.keys(inner).length === 0)) delete after[name];
  else after[name] = inner;
  return after;
}

/** Returns what the schema says of a path, through its references; nothing when it doesn't know it. */
export function schemaAt(schema, path) {
  const resolved = (node) => (node?.$ref ? { ...schema.$defs[node.$ref.split("/").pop()], ...node } : node);
  return path.split(".").reduce((node, name) => resolved(node?.properties?.[name]), schema);
}

/** Returns the paths at which two values differ, with both: a list that differs is one of them. */
export function differences(one, other, path = "") {
  if (isObject(one) && isObject(other)) {
    const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
    return names.flatMap((name) => differences(one[name], other[name], path ? `${path}.${name}` : name));
  }
  return JSON.stringify(one) === JSON.stringify(other) ? [] : [{ path, one, other }];
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

const WRAPPERS = new Set(["properties", "$ref", "items", "prefixItems", "additionalProperties", "anyOf", "allOf"]);

/** Returns what a schema holds against a value: `[{field, description}]`, each path once. The library is loaded for it. */
export async function violationsOf(schema, value) {
  const { validate } = await import("../vendor/json-schema/validate.js");
  const { errors } = validate(value, schema, "2020-12", undefined, false);
  const found = new Map();
  // From the outside in: the innermost of what is wrong at a path is what says most.
  for (const { keyword, instanceLocation, error } of errors) {
    if (WRAPPERS.has(keyword)) continue;
    const field = instanceLocation.replace(/^#\/?/, "").split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")).map(decode).join(".");
    const description = keyword === "oneOf" ? "has none of the forms that are allowed here" : error.replace(/^Instance /, "").replace(/\.$/, "");
    if (!found.has(field) || keyword !== "oneOf") found.set(field, { field: field || "the persona", description });
  }
  return [...found.values()];
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
