// What the server tells of an answer as it comes: an object of JSON a line.
export async function* told(path, token, asked) {
  const answer = await fetch(path, { method: "POST", headers: { "x-lakelet-token": token }, body: JSON.stringify(asked) });
  if (!answer.ok) {
    const { error } = await answer.json();
    yield { kind: "failed", message: error.message, hint: error.hint ?? "", id: "" };
    return;
  }
  const reader = answer.body.getReader();
  const letters = new TextDecoder();
  let held = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    held += letters.decode(value, { stream: true });
    const lines = held.split("\n");
    held = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

export async function asked(path, token, body) {
  const answer = await fetch(path, { method: "POST", headers: { "x-lakelet-token": token }, body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error.message);
  return found;
}
