// Answers every request while the environment is parked: nothing behind CloudFront is there.
function handler(event) {
  var headers = {
    'cache-control': { value: 'no-store' },
    'retry-after': { value: '3600' },
    'content-security-policy': { value: "default-src 'none'; style-src 'unsafe-inline'" },
    'content-type': { value: 'text/html; charset=utf-8' },
  };
  var body = '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    + '<title>{{name}} is parked</title><style>:root{color-scheme:light dark}body{font:18px/1.5 system-ui,sans-serif;max-width:34em;'
    + 'margin:18vh auto 0;padding:0 1.2em}h1{font-size:1.5em}</style></head><body><h1>{{name}} is parked</h1>'
    + '<p>This environment is at rest. Its data are kept; the team that owns it can bring it back.</p></body></html>';
  if (event.request.uri.startsWith('/api/')) {
    headers['content-type'].value = 'application/json';
    body = '{"error":"{{name}} is parked"}';
  }
  return { statusCode: 503, statusDescription: 'Service Unavailable', headers: headers, body: { encoding: 'text', data: body } };
}
