// Opens index.html in a headless Chromium, and prints its table: node browser.mjs CHROMIUM WASM [--check]. Needs the
// package playwright-core in the folder where it is started. What the page throws ends it.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [chromium, wasm, mode] = process.argv.slice(2);
const page = (name) => readFile(new URL(name, import.meta.url));
const FILES = {
    "/": ["text/html", await page("index.html")],
    "/bench.mjs": ["text/javascript", await page("bench.mjs")],
    "/target/wasm32-unknown-unknown/release/sealroom_wasm_bench.wasm": ["application/wasm", await readFile(wasm)],
};
const server = createServer((request, response) => {
    const [type, body] = FILES[new URL(request.url, "http://localhost").pathname] ?? [];
    if (body) response.writeHead(200, { "content-type": type }).end(body);
    else response.writeHead(404).end();
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const { chromium: driver } = createRequire(join(process.cwd(), "x"))("playwright-core");
const browser = await driver.launch({ executablePath: chromium, args: ["--no-sandbox"] });
try {
    const tab = await browser.newPage();
    const thrown = new Promise((_, fail) => tab.on("pageerror", fail));
    await tab.goto(`http://127.0.0.1:${server.address().port}/${mode === "--check" ? "?check" : ""}`);
    await Promise.race([thrown, tab.waitForFunction(() => globalThis.done, null, { timeout: 300_000 })]);
    const rows = await tab.evaluate(() =>
        [...document.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent)));
    console.log(`Chromium ${browser.version()}`);
    rows.forEach((cells) => console.log(`| ${cells.join(" | ")} |`));
} finally {
    await browser.close();
    server.close();
}
