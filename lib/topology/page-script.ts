/**
 * The page's script, in three parts: details of what is under the pointer or has the focus; what is
 * looked for; the lines between cards. It only reads what is on the page, and writes text, never
 * markup: names come from strangers.
 */
import { findScript } from "./page-find.ts";
import { linesScript } from "./page-lines.ts";
import { tipScript } from "./page-tip.ts";

export const pageScript = `"use strict";(()=>{
const one=(what,inside=document)=>inside.querySelector(what);
const all=(what,inside=document)=>[...inside.querySelectorAll(what)];
const map=one(".map"),here=one(".here .node"),peers=all(".peer");
${tipScript}${linesScript}${findScript}
const theme=one("#theme"),system=matchMedia("(prefers-color-scheme: dark)");
const isDark=()=>{const chosen=document.documentElement.dataset.theme;return chosen?chosen==="dark":system.matches};
const showTheme=()=>{one(".to",theme).textContent=isDark()?"Light":"Dark"};
theme.addEventListener("click",()=>{document.documentElement.dataset.theme=isDark()?"light":"dark";showTheme()});
system.addEventListener("change",showTheme);
showTheme();
})();
`;

/** By which the page's policy lets this script run, and no other: in base64, as CSP has it. */
export const pageScriptHash = "sha256-8tavvLbhyFEoa+lbTib9H6GNvAKj26k5JpUprtePwrc=";
