// Requests to the page's own server.

export async function ask(path, method = "GET", body = undefined) {
  const json = body !== undefined && !(body instanceof Blob);
  let response;
  try {
    response = await fetch(`/api/${path}`, {
      method,
      body: json ? JSON.stringify(body) : body,
      headers: json ? { "Content-Type": "application/json" } : {},
    });
  } catch {
    throw new Error("the page's server does not answer; start `python -m restore page` again, nothing is lost");
  }
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(text.trim() || `the server answers ${response.status}`);
  }
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// An upload whose progress is shown: (share in [0, 1]) => nothing.
export function send(path, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `/api/${path}`);
    request.upload.onprogress = (event) => progress(event.loaded / Math.max(1, event.total));
    request.onload = () => {
      const answer = JSON.parse(request.responseText || "{}");
      if (request.status < 300) resolve(answer);
      else reject(new Error(answer.error || `the server answers ${request.status}`));
    };
    request.onerror = () => reject(new Error(`the upload broke off; try again: ${file.name}`));
    request.send(file);
  });
}

export const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
