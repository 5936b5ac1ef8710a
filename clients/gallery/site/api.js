// The calls of the gallery's own server.

export class ApiError extends Error {
  constructor(status, error) {
    super(error.message || `the gallery answered with HTTP ${status}`);
    this.status = status;
    this.reason = (error.reason || '').replace('ERROR_REASON_', '');
    this.retryAfterMs = error.retry_after_ms || 0;
  }
  // Whether to ask again soon is sensible.
  get passes() {
    return this.status === 0 || this.status === 429 || this.status === 503;
  }
}

async function answerOf(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, {message: 'The gallery cannot be reached. Is vitrine-gallery still running?'});
  }
  if (response.ok) return response;
  let error = {};
  try {
    error = (await response.json()).error || {};
  } catch {
    if (response.status === 413) error = {message: 'That is more than the gallery takes at once.'};
  }
  throw new ApiError(response.status, error);
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('', 'AbortError'));
    }, {once: true});
  });
}

// A server that is full, or whose connection was lost, is asked again, after pauses that
// grow: nothing here changes what it has.
async function patiently(path, options) {
  for (let tries = 0; ; tries++) {
    try {
      return await answerOf(path, options);
    } catch (error) {
      if (![0, 429].includes(error.status) || tries === 4) throw error;
      await pause(Math.max(error.retryAfterMs, 100 * 2 ** tries), options.signal);
    }
  }
}

export async function post(call, message, signal) {
  const response = await patiently(`/api/${call}`, {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify(message),
    signal,
  });
  return response.json();
}

export async function get(call, parameters, signal) {
  const response = await patiently(`/api/${call}?${new URLSearchParams(parameters)}`, {signal});
  return response.json();
}

export async function blobOf(url, signal) {
  const response = await patiently(url, {signal});
  return response.blob();
}
