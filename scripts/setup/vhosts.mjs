import { askManagement } from './management.mjs';

/** Creates a vhost (nothing happens if it is there); resolves to its AMQP address. */
export async function ensureVhost({ url, managementUrl }, name) {
  const user = decodeURIComponent(new URL(managementUrl).username);
  const vhost = encodeURIComponent(name);
  await askManagement(managementUrl, 'PUT', `/vhosts/${vhost}`, {});
  const everything = { configure: '.*', write: '.*', read: '.*' };
  await askManagement(managementUrl, 'PUT', `/permissions/${vhost}/${encodeURIComponent(user)}`, everything);
  return vhostUrl(url, name);
}

export const removeVhost = ({ managementUrl }, name) =>
  askManagement(managementUrl, 'DELETE', `/vhosts/${encodeURIComponent(name)}`);

export const vhostUrl = (url, name) =>
  url
    .split(',')
    .map((one) => {
      const address = new URL(one.trim());
      address.pathname = `/${encodeURIComponent(name)}`;
      return address.href;
    })
    .join(',');
