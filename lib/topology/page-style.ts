/** The page's style: one column of cards on a narrow window, this node and its peers on a wide one. */
import { dark, light, type Theme } from "./palette.ts";

/** What a custom property is in either theme: the browser chooses, or who has pressed the button. */
const either = (name: string, of: (theme: Theme) => string): string =>
  `--${name}:light-dark(${of(light)},${of(dark)});`;

const colours = [
  either("page", (of) => of.page),
  either("card", (of) => of.card),
  either("raised", (of) => of.raised),
  either("ink", (of) => of.ink),
  either("soft", (of) => of.soft),
  either("line", (of) => of.line),
  either("tunnel", (of) => of.tunnel),
  either("good", (of) => of.good),
  either("bad", (of) => of.bad),
  either("warning", (of) => of.warning),
  either("notice", (of) => of.notice),
  ...light.networks.map((_, at) => either(`c${at}`, (of) => of.networks[at] ?? of.ink)),
];

const marks = light.networks.map((_, at) => `.c${at}{color:var(--c${at})}`);

export const pageStyle = `
:root{color-scheme:light dark;${colours.join("")}
--text:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",sans-serif;
--code:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
:root[data-theme=light]{color-scheme:light}
:root[data-theme=dark]{color-scheme:dark}
${marks.join("")}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0 auto;max-width:1280px;padding:24px clamp(14px,3vw,36px) 32px;background:var(--page);
 color:var(--ink);font:14px/1.45 var(--text);-webkit-text-size-adjust:100%}
h1,h2,h3,p,ul,dl,dd{margin:0;padding:0}
ul{list-style:none}
button,input{font:inherit;color:inherit}
button{cursor:pointer}
:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.mark{width:12px;height:12px;flex:none;fill:currentColor}
.code{font-family:var(--code);font-size:12.5px;letter-spacing:-.01em}
.cut{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0;unicode-bidi:isolate}
.soft{color:var(--soft)}
.good{color:var(--good)}.bad{color:var(--bad)}.warning{color:var(--warning)}.unknown{color:var(--soft)}

.head{display:flex;flex-wrap:wrap;gap:12px 32px;align-items:flex-end;justify-content:space-between}
.title{flex:1 1 320px;min-width:0}
h1{font-size:22px;line-height:1.25;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
.made{color:var(--soft);font-size:13px;margin-top:2px;overflow-wrap:anywhere}
.made span+span::before{content:"\\a0\\b7  "}
.tools{display:flex;gap:8px;flex:0 1 360px}
.tools input,.tools button{height:36px;border:1px solid var(--line);border-radius:8px;background:var(--card);padding:0 12px}
.tools label{flex:1;min-width:0}
.tools input{width:100%}
.tools input::placeholder{color:var(--soft);opacity:1}
.tools button{display:flex;align-items:center;gap:7px;white-space:nowrap}
.tools svg{width:15px;height:15px;fill:currentColor}

.notices{margin-top:16px;display:grid;gap:8px}
.notice{background:var(--notice);border-left:4px solid var(--warning);border-radius:4px 8px 8px 4px;
 padding:9px 14px;overflow-wrap:anywhere}
.todo{color:var(--soft);white-space:pre-line}

.legend{margin:18px 0 20px;padding:12px 0 0;border-top:1px solid var(--line);
 display:flex;flex-wrap:wrap;gap:8px;align-items:center}
.counts{padding:0 6px}
.legend ul{display:flex;flex-wrap:wrap;gap:8px;min-width:0}
.legend li{min-width:0;max-width:100%}
.network{display:flex;align-items:center;gap:8px;height:32px;max-width:100%;border:1px solid var(--line);border-radius:16px;
 background:var(--card);padding:0 13px 0 11px}
.network b{font-weight:600;max-width:18em}
.network[aria-pressed=true]{background:var(--ink);color:var(--page);border-color:var(--ink)}
.network[aria-pressed=true] .soft{color:inherit}
.network[aria-pressed=true] .mark{background:var(--card);box-shadow:0 0 0 3px var(--card);border-radius:2px}
.number{font-variant-numeric:tabular-nums}
.found{color:var(--soft);padding:0 6px}
.found:empty{position:absolute}

.map{position:relative;display:grid;gap:22px}
.lines{position:absolute;inset:0;width:100%;height:100%;overflow:visible;pointer-events:none;fill:none;
 stroke:var(--tunnel)}
.lines .bad{stroke:var(--bad)}
.lines .bad,.lines .unknown{stroke-dasharray:5 5}
.node{position:relative;background:var(--card);border:1px solid var(--line);border-radius:12px;min-width:0;
 box-shadow:0 1px 2px rgb(0 0 0/.05)}
.is-here{border:2px solid var(--ink)}
summary{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:1px 12px;padding:12px 14px;cursor:pointer;list-style:none;
 border-radius:11px;align-items:baseline}
summary::-webkit-details-marker{display:none}
.name{display:flex;gap:8px;align-items:baseline;min-width:0}
h2{font-size:15.5px;font-weight:650;line-height:1.35}
.badge{flex:none;font-size:11px;font-weight:600;line-height:17px;padding:0 7px;border-radius:9px;background:var(--ink);color:var(--card)}
.says{font-size:12.5px;text-align:right;white-space:nowrap}
.says::before{content:"\\25cf";font-size:9px;margin-right:6px;vertical-align:1.5px}
.says.bad::before,.says.warning::before{content:"\\25b2"}
.says.unknown::before{content:"\\25cb"}
.chips{grid-column:1/-1;display:flex;flex-wrap:wrap;gap:3px 12px;margin-top:5px;font-size:13px}
.chip{display:flex;align-items:center;gap:6px;min-width:0;max-width:100%}
.node[open] .chips{display:none}
.line{grid-column:1/-1;display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 12px;align-items:baseline}
.flow{font-size:12.5px;color:var(--soft);font-variant-numeric:tabular-nums}
.flow i{font-style:normal;margin-right:3px}
.flow span+span{margin-left:10px}
.group{border-top:1px solid var(--line);padding:9px 6px 8px}
h3{display:flex;align-items:center;gap:8px;font-size:13px;font-weight:600;padding:0 8px 3px}
h3 .about{flex:1;font-weight:400;text-align:right}
.row{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 14px;width:100%;border:0;background:none;text-align:left;
 padding:3.5px 8px 3.5px 28px;border-radius:6px;align-items:baseline}
.row:hover,.row:focus-visible,.row[aria-describedby]{background:var(--raised)}
.row .warning{grid-column:1/-1;font-size:12.5px}
.none{border-top:1px solid var(--line);padding:10px 14px;color:var(--soft)}

.tunnel{position:relative;display:flex;flex-direction:column;align-items:stretch;justify-self:center;border:1px solid var(--line);
 border-radius:10px;background:var(--card);padding:5px 12px;line-height:1.4}
.tunnel:hover{border-color:var(--tunnel)}
.tunnel.flow span+span{margin-left:0}
.tunnel span{display:flex;justify-content:space-between;gap:8px;white-space:nowrap}
.tunnel .code{font-size:12px}

.few{grid-template-columns:minmax(0,1fr);padding-bottom:4px}
.few .peers{display:grid;gap:22px;padding-left:34px}
.few .peer{display:grid;gap:8px;justify-items:start}
.few .peer .node{width:100%}
.few .tunnel{justify-self:start;flex-direction:row;gap:14px}
.few.alone{max-width:620px}
.few.alone .peers{padding:0}
@media(min-width:900px){
.few:not(.alone){grid-template-columns:minmax(0,calc((100% - 176px)/2)) minmax(0,1fr);gap:0}
.few .here{align-self:center}
.few .peers{padding:0}
.few:not(.alone) .peer{grid-template-columns:176px minmax(0,1fr);gap:0;align-items:center;justify-items:stretch}
.few:not(.alone) .tunnel{justify-self:center;flex-direction:column;gap:0}
.few.tall .here{align-self:start;position:sticky;top:24px}
.few.tall .peer{align-items:start}
.few.tall .tunnel{margin-top:9px}
}
.many{gap:10px;align-items:start;grid-template-columns:repeat(auto-fill,minmax(min(226px,100%),1fr))}
.many.open{grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr))}
.many .peers{display:contents}
.many summary{padding:8px 11px}
.many h2{font-size:14px}
.many .line .code{font-size:12px}
.many .subject{position:absolute;clip-path:inset(50%)}
.many .peer:hover .node,.many .peer:focus-within .node{border-color:var(--ink)}
.many .lines{z-index:2}
.lit .group:not(.on),.lit .chip:not(.on),.lit .node:not(.on){opacity:.28}
.lit .node:not(.on) .group,.lit .node:not(.on) .chip{opacity:1}

.foot{margin-top:26px;padding-top:12px;border-top:1px solid var(--line);color:var(--soft);font-size:13px}
.tip{position:fixed;z-index:9;max-width:min(400px,calc(100vw - 16px));background:var(--ink);color:var(--page);border-radius:10px;
 padding:11px 14px 12px;box-shadow:0 6px 24px rgb(0 0 0/.28);pointer-events:none;font-size:13px}
.tip b{display:block;font-weight:650;overflow-wrap:anywhere;margin-bottom:4px}
.tip dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:2px 14px}
.tip dt{opacity:.78}
.tip dd{font-family:var(--code);font-size:12.5px;overflow-wrap:anywhere}
@media print{
:root,:root[data-theme]{color-scheme:light}
body{max-width:none;padding:0;background:none}
.tools,.tip,.lines,.found{display:none!important}
.node{box-shadow:none;break-inside:avoid}
.notice,.badge,.network{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
