/**
 * Part of the page's script: the tunnels' lines, drawn anew when the cards have moved. With few
 * nodes all are there; with many only that of the node which is pointed at.
 */

export const linesScript = `
const lines=one(".lines"),few=map.classList.contains("few");
const line=(path,of)=>{
  const drawn=document.createElementNS("http://www.w3.org/2000/svg","path");
  drawn.setAttribute("d",path);
  drawn.setAttribute("class",of.dataset.state);
  drawn.setAttribute("stroke-width",String(1.5+2*Number(of.dataset.weight)));
  return drawn;
};
const boxOf=(of)=>{
  const {left,top}=map.getBoundingClientRect(),box=of.getBoundingClientRect();
  return {left:box.left-left,right:box.right-left,top:box.top-top,bottom:box.bottom-top,
    middle:(box.top+box.bottom)/2-top,centre:(box.left+box.right)/2-left};
};
const drawFew=()=>{
  const from=boxOf(here),visible=peers.filter((peer)=>!peer.hidden);
  lines.replaceChildren(...visible.flatMap((peer,at)=>{
    const pill=one(".tunnel",peer);
    if(!pill)return [];
    const by=boxOf(pill),to=boxOf(one(".node",peer));
    if(to.left<from.right){
      const x=from.left+14,r=10;
      const path="M"+x+" "+from.bottom+"V"+(by.middle-r)+"Q"+x+" "+by.middle+" "+(x+r)+" "+by.middle+"H"+by.left;
      return [line(path,pill)];
    }
    const room=Math.min(18,(from.bottom-from.top-24)/visible.length);
    const y=from.middle+(at-(visible.length-1)/2)*room,bend=(by.left-from.right)*.55;
    const path="M"+from.right+" "+y+"C"+(from.right+bend)+" "+y+" "+(by.left-bend)+" "+by.middle+" "+by.left+" "+by.middle;
    return [line(path,pill),line("M"+by.right+" "+by.middle+"H"+to.left,pill)];
  }));
};
const drawTo=(peer)=>{
  const flow=peer&&one(".flow",peer);
  if(!flow||peer===here.parentElement)return lines.replaceChildren();
  const from=boxOf(here),to=boxOf(one(".node",peer)),y=from.bottom,end=to.top;
  if(end<y)return lines.replaceChildren(line("M"+from.right+" "+from.middle+"H"+to.left,flow));
  const half=Math.max((end-y)/2,12),x=Math.min(Math.max(to.centre,from.left+20),from.right-20);
  lines.replaceChildren(line("M"+x+" "+y+"C"+x+" "+(y+half)+" "+to.centre+" "+(end-half)+" "+to.centre+" "+end,flow));
};
const draw=()=>{if(here&&few)drawFew();else lines.replaceChildren()};
new ResizeObserver(draw).observe(map);
if(map.classList.contains("tall"))addEventListener("scroll",draw,{passive:true});
for(const peer of peers){
  one(".node",peer).addEventListener("toggle",draw);
  if(few||!here)continue;
  peer.addEventListener("pointerenter",()=>drawTo(peer));
  peer.addEventListener("pointerleave",()=>drawTo(null));
  peer.addEventListener("focusin",()=>drawTo(peer));
  peer.addEventListener("focusout",()=>drawTo(null));
}
draw();
`;
