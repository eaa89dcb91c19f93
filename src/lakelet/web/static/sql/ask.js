// Asks the server. What it refuses is an error with its words and status; one without a status says
// that nobody answered.
export class Refused extends Error {
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

async function answered(asked) {
  let answer;
  try {
    answer = await asked;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("the server does not answer.", "start `lakelet up` again; this page stays as it is.");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Refused(told.error.message, told.error.hint, answer.status);
  return told;
}

export const get = (path, signal) => answered(fetch(path, { signal }));

export function post(path, asked = {}) {
  const token = document.getElementById("sql").dataset.token;
  return answered(fetch(path, { method: "POST", headers: { "x-lakelet-token": token }, body: JSON.stringify(asked) }));
}
