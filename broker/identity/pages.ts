const style = `
:root{color-scheme:dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#0b0f14;color:#e8edf2;font:16px/1.5 system-ui,sans-serif}
main{width:min(92vw,22rem);padding:2rem;background:#141a21;border:1px solid #2a3440;border-radius:.75rem}
h1{margin:0 0 1rem;font-size:1.35rem}
label{display:block;margin:1rem 0 .25rem}
input{width:100%;box-sizing:border-box;padding:.65rem;font:inherit;color:inherit;background:#0b0f14;border:1px solid #6b7a89;border-radius:.4rem}
button{margin-top:1.5rem;width:100%;padding:.7rem;font:inherit;font-weight:600;color:#04121f;background:#5cc8ff;border:0;border-radius:.4rem;cursor:pointer}
button.plain{background:none;color:#e8edf2;border:1px solid #6b7a89;margin-top:.75rem}
:focus-visible{outline:3px solid #ffd166;outline-offset:2px}
[role=alert]{margin:0;padding:.6rem .8rem;background:#3b1216;border:1px solid #ff7b86;border-radius:.4rem}
`;

function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => names[character] ?? '');
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;
}

/** No scripts, no fonts or pictures from elsewhere; works with the keyboard and a screen reader. */
export function loginPage(input: { action: string; username: string; error: string | undefined }): string {
  const alert = input.error === undefined ? '' : `<p role="alert" id="error">${escapeHtml(input.error)}</p>`;
  const described = input.error === undefined ? '' : ' aria-describedby="error" aria-invalid="true"';
  return page(
    'Log in to Medusa',
    `${alert}<form method="post" action="${escapeHtml(input.action)}">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" required autofocus maxlength="80" value="${escapeHtml(input.username)}"${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200"${described}>
<button type="submit">Log in</button></form>`,
  );
}

/** `form` is the provider's own hidden form, `op.logoutForm`. */
export function logoutPage(form: string): string {
  return page(
    'Log out of Medusa?',
    `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Log out</button>
<button class="plain" type="submit" form="op.logoutForm">Stay logged in</button>`,
  );
}

export function messagePage(title: string, text: string): string {
  return page(title, `<p>${escapeHtml(text)}</p><p><a style="color:#5cc8ff" href="/">To Medusa</a></p>`);
}
