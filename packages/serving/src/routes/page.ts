import { readFileSync } from 'node:fs';
import type { Service } from '../create-app.js';
import type { ServiceContext } from '../service-context.js';

const files = { 'index.html': 'text/html', 'page.css': 'text/css', 'page.js': 'text/javascript' };

/** Nothing but what the service itself sends is loaded, run or shown. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page for people; programs that ask for `/` learn that the service is alive. */
export function addPageRoutes(app: Service, { slots }: ServiceContext): void {
  const config = { isOpen: true, rateLimit: false } as const;
  for (const [name, type] of Object.entries(files)) {
    const content = readFileSync(new URL(`../../page/${name}`, import.meta.url));
    const url = name === 'index.html' ? '/' : `/${name}`;
    app.get(
      url,
      { config, schema: { hide: url !== '/', summary: 'The page, or that the service is alive' } },
      (request, reply) => {
        if (url === '/') {
          reply.header('vary', 'accept');
          if (!request.headers.accept?.includes('text/html')) {
            return reply.send({ status: 'alive', message: `serving ${[...slots.keys()].join(', ')}` });
          }
        }
        return reply
          .type(`${type}; charset=utf-8`)
          .headers({
            'content-security-policy': contentSecurityPolicy,
            'x-content-type-options': 'nosniff',
            'referrer-policy': 'no-referrer',
            'cache-control': 'no-cache',
          })
          .send(content);
      },
    );
  }
}
