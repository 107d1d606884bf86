/* SPDX-License-Identifier: MIT */
/* DESIGN: colours are variables with a light and a dark value each; print is always light. The two lanes keep their
 * colours everywhere: the loop is blue, the pool is orange, told apart also by those who do not see red and green; no
 * target has either. */
#include "load/style.h"

#include <stddef.h>

/* The colour of the n-th target, for all that is drawn in it. */
#define COLOURS(n)                                                                                                     \
    ".t" n ".line,.points.t" n " line,.knee.t" n " line{stroke:var(--t" n ")}.bars.t" n ",.points.t" n                 \
    " circle,.knee.t" n " text{fill:var(--t" n ")}.key.t" n "{background:var(--t" n ")}\n"

/* In pieces: a compiler need not take a longer string. */
const char *const load_style_sheet[] = {
    ":root{--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;--dim:#636c76;--rule:#dfe3e8;--loop:#1f6feb;--pool:#d9730d;"
    "--ideal:#8250df;--good:#1a7f37;--bad:#cf222e;--t0:#0e7c86;--t1:#bf3989;--t2:#1a7f37;--t3:#6639ba;--t4:#7d4e00;"
    "--t5:#57606a;--t6:#a40e26;--t7:#4d7c0f}\n",
    "@media screen and (prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#171b22;--ink:#e8ebef;--dim:#9aa4af;"
    "--rule:#2c333c;--loop:#58a6ff;--pool:#f0883e;--ideal:#bc8cff;--good:#3fb950;--bad:#ff7b72;--t0:#39c5cf;"
    "--t1:#f778ba;--t2:#3fb950;--t3:#bc8cff;--t4:#d4a72c;--t5:#8b949e;--t6:#ff7b72;--t7:#a3e635}}\n",
    "*{box-sizing:border-box}\n",
    "body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,"
    "'DejaVu Sans',sans-serif}\n",
    "main{max-width:1240px;margin:0 auto;padding:32px 24px 48px}\n",
    "main.wide{max-width:1640px}\n",
    "h1{font-size:26px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}\n",
    "h2{font-size:18px;margin:36px 0 12px}\nh3{font-size:15px;margin:0;overflow-wrap:anywhere}\n",
    ".sub,.note,footer,.legend{color:var(--dim)}\n.sub{margin:0 0 12px}\n",
    ".targets{list-style:none;padding:0;margin:0}\n.targets code{color:var(--dim);overflow-wrap:anywhere}\n",
    "code{font:13px ui-monospace,SFMono-Regular,'DejaVu Sans Mono',monospace}\n",
    ".verdict.good::first-letter{text-transform:uppercase}\n.verdict{margin:18px 0 0;padding:10px "
    "14px;border-radius:8px;border:1px solid var(--rule);border-left-width:5px;"
    "background:var(--card)}\n.verdict p,.verdict ul{margin:0}\n.verdict li{overflow-wrap:anywhere}\n",
    ".good{border-left-color:var(--good)}\n.verdict.bad{border-left-color:var(--bad)}\n",
    ".scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:8px;background:var(--card)}\n",
    "table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}\n",
    "th,td{padding:6px 7px;text-align:right;white-space:nowrap}\n",
    "thead th{color:var(--dim);font-weight:600;text-align:right}\nthead th[colspan]{text-align:center;"
    "border-left:1px solid var(--rule);padding-bottom:0}\nthead tr:last-child th{font-weight:400;padding-top:0}\n",
    "thead tr:first-child th:first-child,tbody th{text-align:left}\nthead th[rowspan]{vertical-align:bottom}\n",
    "tbody th{font-weight:600;max-width:260px;overflow:hidden;text-overflow:ellipsis}\n",
    "tbody tr{border-top:1px solid var(--rule)}\ntbody+tbody tr:first-child{border-top:3px double var(--rule)}\n",
    "tr.bad th,tr.bad td{color:var(--bad)}\n.none{color:var(--dim)}\n",
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:18px}\n",

    "article{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:14px 16px;min-width:0}\n",
    "article.bad{border-color:var(--bad)}\n.seen{margin:2px 0 8px}\n",
    ".trouble{color:var(--bad);margin:8px 0 0;overflow-wrap:anywhere}\n.note{margin:8px 0 0;font-size:13px}\n",
    ".empty{display:flex;align-items:center;justify-content:center;aspect-ratio:56/27;color:var(--dim);"
    "border:1px dashed var(--rule);border-radius:8px}\n",
    "dl{display:flex;flex-wrap:wrap;gap:6px 22px;margin:8px 0 0}\ndl div{min-width:0}\n",
    "dt{color:var(--dim);font-size:12px}\ndd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}\n",
    ".item{display:inline-block;margin-right:10px}.item .key{margin-left:0}\n.legend{margin:24px 0 0}\n.sweep "
    ".legend{margin:0 0 10px}\n.lines{margin:14px 0 0;padding-left:20px}\n",
    ".lines li{overflow-wrap:anywhere}\npre{margin:0;padding:12px 14px;font:12px/1.45 ui-monospace,SFMono-Regular,"
    "'DejaVu Sans Mono',monospace}\n",
    ".key{display:inline-block;width:14px;height:10px;border-radius:2px;margin:0 3px 0 10px}\n",
    ".key:first-child{margin-left:0}\n.points "
    "line{stroke-width:2.5;stroke-opacity:.5}\n.key.loop{background:var(--loop)}\n.key.pool{background:var(--pool)}\n",
    ".key.ideal{height:0;border-radius:0;border-top:2px dashed var(--ideal);vertical-align:middle;width:18px}\n",
    "svg{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',"
    "sans-serif}\n",
    "svg text{fill:var(--dim)}\n.grid line{stroke:var(--rule)}\n.axis{stroke:var(--dim)}\n",
    ".area{fill-opacity:.14;stroke:none}\n.line{fill:none;stroke-width:1.8;stroke-linejoin:round}\n",
    ".area.loop{fill:var(--loop)}\n.area.pool{fill:var(--pool)}\n.line.loop{stroke:var(--loop)}\n",
    ".line.pool{stroke:var(--pool)}\n.peak "
    "text{font-weight:700;font-size:13px;paint-order:stroke;stroke:var(--card);stroke-width:4px}\n",
    ".peak.loop *{fill:var(--loop)}\n.peak.pool *{fill:var(--pool)}\n",
    ".ideal line{stroke:var(--ideal);stroke-width:1.5;stroke-dasharray:5 4}\n.ideal text{fill:var(--ideal)}\n",
    ".swim rect.loop{fill:var(--loop)}\n.swim rect.pool{fill:var(--pool)}\n.swim rect.bad{fill:var(--bad)}\n",
    ".swim .s1{fill-opacity:.62}\n.swim .s2{fill-opacity:.34}\n.swim .ticks text{font-size:10px}\n",
    ".percentile line{stroke:var(--dim);stroke-dasharray:2 3}\n.percentile text{fill:var(--ink);font-size:11px;"
    "paint-order:stroke;stroke:var(--card);stroke-width:3px}\n",
    ".uncorrected{fill:none;stroke:var(--dim);stroke-width:1.2;stroke-dasharray:4 2}\n",
    ".offered{fill:none;stroke:var(--dim);stroke-dasharray:5 4}\n.bars rect{fill-opacity:.75}\n",
    ".knee line{stroke-width:1.5;stroke-dasharray:6 3}\n.knee text{font-weight:700}\n",
    COLOURS("0"),
    COLOURS("1"),
    COLOURS("2"),
    COLOURS("3"),
    COLOURS("4"),
    COLOURS("5"),
    COLOURS("6"),
    COLOURS("7"),
    "footer{margin-top:32px;font-size:13px}\n",
    "@media print{body{background:#fff;font-size:12px}main{max-width:none;padding:0}article,.step h2,tr{break-inside:"
    "avoid}h2{break-after:avoid}.scroll{overflow:visible}table{font-size:9px}th,td{padding:3px 4px}"
    ".cards{grid-template-columns:1fr 1fr}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n",
    NULL,
};
