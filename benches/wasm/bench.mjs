// Times the wasm build in whatever runs it: `node benches/wasm/bench.mjs`, or index.html beside it in a browser. With
// `--check` (`?check` there) only results are looked at. browser.mjs opens the page in a headless Chromium.

const WASM = "target/wasm32-unknown-unknown/release/sealroom_wasm_bench.wasm";
const RUN_MS = 150; // at least, for each round
const ROUNDS = 3; // of which the fastest counts: the others were disturbed

const SCENARIOS = [
    ["unsigned", "envelope, P-256, unsigned"],
    ["signed", "envelope, P-256, signed"],
    ["message", "room message"],
];

async function instantiate(bytes) {
    const word = new Uint32Array(1);
    const random = () => crypto.getRandomValues(word)[0];
    return (await WebAssembly.instantiate(bytes, { host: { random } })).instance;
}

// Each scenario also changes a byte of what it sealed, and tells whether that was refused.
export async function check(bytes, print) {
    const instance = await instantiate(bytes);
    print(["", "bytes", "sealed", "opened", "a changed byte"]);
    for (const [scenario, name] of SCENARIOS) {
        for (const length of [0, 1000, 65536]) {
            if (instance.exports[scenario](3, 1, length) !== 1) throw new Error(`${scenario}: a wrong result`);
            print([name, String(length), "4", "1", "refused"]);
        }
    }
}

export async function bench(bytes, print) {
    const instance = await instantiate(bytes);
    // What a call takes besides: people, keys, a room, and one of each.
    const time = (scenario, sealing, opening, length) => {
        const start = performance.now();
        if (instance.exports[scenario](sealing, opening, length) !== 1) throw new Error(`${scenario}: a wrong result`);
        return performance.now() - start;
    };
    const each = (scenario, seal, length) => {
        const round = (times) => time(scenario, seal * times, (1 - seal) * times, length) - time(scenario, 0, 0, length);
        let times = 8;
        while (round(times) < RUN_MS) times *= 2;
        return Math.min(...Array.from({ length: ROUNDS }, () => round(times))) / times;
    };
    print(["", "bytes", "seal, ms", "open, ms"]);
    for (const [scenario, name] of SCENARIOS) {
        for (const length of [64, 65536]) {
            const [seal, open] = [1, 0].map((seal) => each(scenario, seal, length).toFixed(2));
            print([name, String(length), seal, open]);
        }
    }
    print(["the module itself", String(bytes.byteLength), "", ""]);
}

if (typeof process === "object") {
    const { readFile } = await import("node:fs/promises");
    const [path] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
    const bytes = await readFile(path ?? new URL(WASM, import.meta.url));
    let rows = 0;
    await (process.argv.includes("--check") ? check : bench)(bytes, (cells) => {
        console.log(`| ${cells.join(" | ")} |`);
        if (rows++ === 0) console.log(`|---|${"---:|".repeat(cells.length - 1)}`);
    });
} else {
    const table = document.querySelector("table");
    const bytes = await (await fetch(WASM)).arrayBuffer();
    // Each row is shown before the next one is timed.
    await (location.search === "?check" ? check : bench)(bytes, (cells) => {
        const row = table.insertRow();
        for (const cell of cells) row.insertCell().textContent = cell;
    });
    document.querySelector("p").textContent = navigator.userAgent;
    globalThis.done = true;
}
