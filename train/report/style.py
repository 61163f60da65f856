"""The look of every page the kit writes: readable on a phone, light or dark as the reader's system is, and in print."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root{color-scheme:light dark;--bg:#ffffff;--fg:#1c2128;--dim:#5d6875;--line:#dde2e8;--card:#f5f7f9;--good:#12805c;
--warn:#b45309;--bad:#c0262d;--k0:#2f6fde;--k1:#dd6b20;--k2:#159570;--k3:#8a4fd0;--k4:#c02f6d;--k5:#7b7a14}
@media(prefers-color-scheme:dark){:root{--bg:#0f1317;--fg:#e4e8ed;--dim:#98a3af;--line:#2b333c;--card:#181e25;
--good:#4cc79a;--warn:#f0a445;--bad:#ff7b7b;--k0:#72a7ff;--k1:#ff9d5c;--k2:#4fd0a4;--k3:#c6a0f7;--k4:#f58bb6;--k5:#cfc95a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:24px 20px 64px;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;overflow-wrap:break-word}
h1{font-size:26px;line-height:1.2;margin:0 0 4px}h2{font-size:19px;margin:40px 0 12px}h3{font-size:15px;margin:0 0 6px}
p{margin:0 0 10px}.sub{color:var(--dim);margin:0 0 20px}.dimmed{color:var(--dim)}
a{color:var(--k0)}code{font:13px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--card);
padding:1px 5px;border-radius:4px;white-space:nowrap}
.advice code{background:var(--bg)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(116px,1fr));gap:10px;margin:0 0 8px}
.fact{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 12px}
.fact b{display:block;font-size:21px;line-height:1.25;font-variant-numeric:tabular-nums}
.fact span{color:var(--dim);font-size:13px}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:18px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
figcaption{font-weight:600;font-size:14px;margin:0 0 6px}figure p{color:var(--dim);font-size:13px;margin:8px 0 0}
svg.chart,svg.matrix{display:block;width:100%;height:auto}svg.square{max-width:340px;margin:auto}
svg.matrix{margin:0 auto}
svg text{fill:var(--fg);font-size:12px;font-family:inherit}svg text.dim{fill:var(--dim);font-size:11.5px}
svg text.label{fill:var(--dim);font-size:12px}svg text.count{font-size:12px;font-variant-numeric:tabular-nums}
svg text.small{font-size:10px}svg text.inverse{fill:var(--bg)}
svg .grid{stroke:var(--line);stroke-width:1}svg .axis{stroke:var(--dim);stroke-width:1}
svg .mark{stroke:var(--dim);stroke-width:1;stroke-dasharray:3 3}
svg polyline,svg path{fill:none;stroke-width:2;stroke-linejoin:round}svg .faint{stroke-width:1;opacity:.45}
svg .dashed{stroke-dasharray:5 4}svg .soft{fill-opacity:.55}
svg .cell{stroke:var(--line);stroke-width:.5}svg .right{fill:var(--k0)}svg .wrong{fill:var(--k1)}
.c0{stroke:var(--k0)}.c1{stroke:var(--k1)}.c2{stroke:var(--k2)}.c3{stroke:var(--k3)}.c4{stroke:var(--k4)}.c5{stroke:var(--k5)}
.d0{fill:var(--k0)}.d1{fill:var(--k1)}.d2{fill:var(--k2)}.d3{fill:var(--k3)}.d4{fill:var(--k4)}.d5{fill:var(--k5)}
.keys{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:var(--dim);margin-top:4px}
.keys i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.k0{background:var(--k0)}.k1{background:var(--k1)}.k2{background:var(--k2)}.k3{background:var(--k3)}.k4{background:var(--k4)}
.k5{background:var(--k5)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:6px 12px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}th{font-weight:600;color:var(--dim);background:var(--card)}
th.text,td.text{text-align:left}td:first-child{white-space:normal;min-width:90px}
td .bar{display:inline-block;height:8px;border-radius:2px;background:var(--k0);vertical-align:1px}
td .track{display:inline-block;width:60px;margin-left:8px;text-align:left}
.low{color:var(--bad);font-weight:600}
.advice{border:1px solid var(--line);border-left:4px solid var(--k0);border-radius:8px;background:var(--card);
padding:12px 16px;margin:0 0 12px}
.advice.bad{border-left-color:var(--bad)}.advice.warn{border-left-color:var(--warn)}.advice.good{border-left-color:var(--good)}
.advice p{margin:0 0 6px}.advice ul{margin:0;padding-left:20px}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(196px,1fr));gap:14px}
.mistake{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:8px;
font-size:13px;line-height:1.4}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:4px;margin-bottom:6px}
.pair img{width:100%;aspect-ratio:1;object-fit:contain;border-radius:5px;background:var(--bg)}
.pair img.tiny{image-rendering:pixelated}
.mistake .name{color:var(--dim);font-size:12px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
details{border:1px solid var(--line);border-radius:10px;padding:10px 14px;margin:0 0 10px}
summary{cursor:pointer;font-weight:600}details[open] summary{margin-bottom:8px}
details ul{margin:0;padding-left:20px;color:var(--dim);font-size:13px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0;font-size:13px}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:600px){body{padding:16px 12px 48px}h1{font-size:22px}
.gallery{grid-template-columns:repeat(2,1fr);gap:8px}
.fact b{font-size:18px}th,td{padding:6px 8px}}
@media print{body{max-width:none}details{break-inside:avoid}figure,.mistake,.advice{break-inside:avoid}}
"""
