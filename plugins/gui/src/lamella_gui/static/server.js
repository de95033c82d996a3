/** Requests to the server: forms are sent as forms, answers are JSON; what went wrong is one sentence. */

export const base = new URL("../..", import.meta.url);

/** @param {string} path */
export function address(path) {
  return new URL(path, base);
}

/** @param {string} path  @param {Object<string, string>|FormData|URLSearchParams} fields */
export async function post(path, fields) {
  const body = fields instanceof URLSearchParams ? fields : new URLSearchParams(/** @type {any} */ (fields));
  return answer(fetch(address(path), { method: "POST", body, headers: { Accept: "application/json" } }));
}

/** @param {string} path */
export async function get(path) {
  return answer(fetch(address(path), { headers: { Accept: "application/json" } }));
}

/** @param {Promise<Response>} asked */
async function answer(asked) {
  let response;
  try {
    response = await asked;
  } catch {
    throw new Error("the server does not answer");
  }
  if (response.status === 204) return null;
  const kind = response.headers.get("content-type") ?? "";
  const value = kind.includes("json") ? await response.json() : { problem: await response.text() };
  if (!response.ok) throw new Error(value.problem ?? `the server answers ${response.status}`);
  return value;
}

/** @param {URL|string} url  @param {string} [name] */
export function download(url, name = "") {
  const link = document.createElement("a");
  link.href = String(url);
  link.download = name;
  link.click();
}
