// A registry on loopback, in memory, for rehearsing a release: takes what is published, hands it out, and sends whoever asks for
// another package on to the registry that the machine is set up for. It knows no users and checks no passwords.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

/**
 * @param {object} options
 * @param {string} options.upstream the registry for all other packages
 * @param {readonly string[]} options.own the packages that must come from here, published yet or not
 * @returns {Promise<{ url: string, packages: Map<string, object>, close: () => void }>}
 */
export function startRegistry({ upstream, own }) {
  const packages = new Map();
  const tarballs = new Map();
  const answer = async (request, response) => {
    const send = (status, body) => {
      const json = !Buffer.isBuffer(body);
      response.writeHead(status, { 'content-type': json ? 'application/json' : 'application/octet-stream' });
      response.end(json ? JSON.stringify(body) : body);
    };
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname).slice(1);
    try {
      if (request.method === 'PUT')
        return send(201, publish(JSON.parse(await textOf(request)), server, packages, tarballs));
      if (tarballs.has(path)) return send(200, tarballs.get(path));
      if (packages.has(path)) return send(200, packages.get(path));
      if (own.includes(path)) return send(404, { error: `${path} is not published here` });
    } catch (error) {
      return send(error.status ?? 400, { error: error.message });
    }
    response.writeHead(307, { location: new URL(request.url.slice(1), upstream).href });
    response.end();
  };
  const server = createServer((request, response) => void answer(request, response));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ url: addressOf(server), packages, close });
    });
  });
}

const addressOf = (server) => `http://127.0.0.1:${server.address().port}/`;

async function textOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Takes one version as `npm publish` sends it. */
function publish(sent, server, packages, tarballs) {
  const { name } = sent;
  const kept = packages.get(name) ?? { _id: name, name, 'dist-tags': {}, versions: {}, time: {} };
  for (const [version, manifest] of Object.entries(sent.versions)) {
    if (kept.versions[version]) throw Object.assign(new Error(`${name} ${version} is published`), { status: 409 });
    const [attachment] = Object.values(sent._attachments);
    const data = Buffer.from(attachment.data, 'base64');
    const path = `${name}/-/${name.split('/').pop()}-${version}.tgz`;
    tarballs.set(path, data);
    const hash = (algorithm, encoding) => createHash(algorithm).update(data).digest(encoding);
    const tarball = `${addressOf(server)}${path}`;
    const dist = { tarball, integrity: `sha512-${hash('sha512', 'base64')}`, shasum: hash('sha1', 'hex') };
    kept.versions[version] = { ...manifest, dist: { ...manifest.dist, ...dist } };
    kept.time[version] = new Date().toISOString();
  }
  Object.assign(kept['dist-tags'], sent['dist-tags']);
  packages.set(name, kept);
  return { ok: true };
}
