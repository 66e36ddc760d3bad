/* Serves a built site as a static host does, compressed and to be kept, and has Lighthouse
   look at one page of it: audit.mjs SITE BROWSER PAGE FORM. Prints the scores as JSON. */
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { launch } from "chrome-launcher"
import lighthouse, { desktopConfig } from "lighthouse"

const [site, browser, page, form] = process.argv.slice(2)
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
}
const CATEGORIES = ["accessibility", "best-practices", "seo", "performance"]
const FLAGS = ["--headless=new", "--disable-gpu", "--disable-background-networking"]

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://site")
  const path = join(site, pathname.endsWith("/") ? `${pathname}index.html` : pathname)
  const type = TYPES[extname(path)] ?? "application/octet-stream"
  const body = await readFile(path).catch(() => null)
  if (body === null) return response.writeHead(404).end()
  const headers = { "content-type": type, "cache-control": "max-age=600" }
  if (extname(path) === ".woff2") return response.writeHead(200, headers).end(body)
  response.writeHead(200, { ...headers, "content-encoding": "gzip" }).end(gzipSync(body))
})
await new Promise((started) => server.listen(0, "127.0.0.1", started))
const flags = process.getuid() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS
const chrome = await launch({ chromePath: browser, chromeFlags: flags, logLevel: "silent" })
const { lhr } = await lighthouse(
  `http://127.0.0.1:${server.address().port}/${page}`,
  { port: chrome.port, logLevel: "silent", onlyCategories: CATEGORIES },
  form === "desktop" ? desktopConfig : undefined,
)
await chrome.kill()
server.close()
const found = CATEGORIES.flatMap((name) => lhr.categories[name].auditRefs)
  .map(({ id, weight }) => ({ ...lhr.audits[id], weight }))
  .filter(({ score, weight }) => weight && score !== null && score < 1)
const scores = CATEGORIES.map((name) => [name, Math.round(100 * lhr.categories[name].score)])
console.log(JSON.stringify({
  scores: Object.fromEntries(scores),
  found: found.map(({ title, displayValue }) => `${title} ${displayValue ?? ""}`.trim()),
}))
