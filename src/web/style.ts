// The page's style and its only script, as texts: their hashes stand in the page's Content-Security-Policy.

export const STYLE = `
:root { color-scheme: light dark;
  --bg: #f6f7f9; --card: #fff; --ink: #1b1f27; --dim: #667085; --line: #e3e6ec; --accent: #3563e9;
  --up: #0f7b45; --up-bg: #e2f5ea; --down: #b3261e; --down-bg: #fde7e5; --hold: #8a5a00; --hold-bg: #fdf0d5; --none: #667085; --none-bg: #eceef2; }
@media (prefers-color-scheme: dark) { :root {
  --bg: #0f1218; --card: #171b23; --ink: #e6e9ef; --dim: #98a2b3; --line: #272d38; --accent: #7da2ff;
  --up: #6fdc9e; --up-bg: #143324; --down: #ff9d95; --down-bg: #421b19; --hold: #f3c567; --hold-bg: #3a2d10; --none: #98a2b3; --none-bg: #262c37; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 1.25rem; display: grid; gap: 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
h1 { font-size: 1.35rem; margin: 0; } h1 small { font-weight: 400; color: var(--dim); font-size: .9rem; }
h2 { font-size: .95rem; margin: 0; } h2 small { font-weight: 400; color: var(--dim); margin-left: .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; overflow-x: auto; }
.band { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; padding: .9rem 1rem; }
.band dt { color: var(--dim); font-size: .78rem; } .band dl, .band dd { margin: 0; } .band dd { font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.alarms { border-color: var(--down); background: var(--down-bg); color: var(--down); } .alarms ul { margin: .4rem 0 0; padding-left: 1.2rem; }
.calm { color: var(--dim); padding: .6rem 1rem; }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--dim); font-size: .78rem; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: middle; } tr:last-child td { border-bottom: 0; }
.n { text-align: right; } td.why { color: var(--dim); } code { font: 12.5px/1.4 ui-monospace, monospace; }
.state { display: inline-block; border-radius: 99px; padding: .05rem .6rem; font-weight: 600; font-size: .82rem; white-space: nowrap; }
.up { color: var(--up); background: var(--up-bg); } .down { color: var(--down); background: var(--down-bg); }
.hold { color: var(--hold); background: var(--hold-bg); } .none { color: var(--none); background: var(--none-bg); }
.bar { width: 7rem; height: .5rem; border-radius: 4px; vertical-align: middle; margin-right: .5rem; } .bar .track { fill: var(--line); } .bar .fill { fill: var(--accent); }
footer { color: var(--dim); font-size: .8rem; } #late { color: var(--down); font-weight: 600; }
`;

// Takes the page afresh every two seconds and puts its new <main> in place of the old, so that the scroll position stays;
// says how old the data is when the node does not answer.
export const SCRIPT = `
let at = Date.now();
const again = async () => {
  try {
    if (document.hidden) return;
    const reply = await fetch('/', { signal: AbortSignal.timeout(2000) });
    if (!reply.ok) throw new Error(reply.status);
    const fresh = new DOMParser().parseFromString(await reply.text(), 'text/html');
    document.title = fresh.title;
    document.querySelector('main').replaceWith(fresh.querySelector('main'));
    at = Date.now();
  } catch {
    document.querySelector('#late').textContent = 'No answer from this node: data is ' + Math.round((Date.now() - at) / 1000) + ' s old.';
  } finally {
    setTimeout(again, 2000);
  }
};
setTimeout(again, 2000);
`;
