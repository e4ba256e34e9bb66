/** Part of the page's script: details, beside what the pointer is over or has the focus. */

export const tipScript = `
const tip=one("#tip");
let shown=null;
const hide=()=>{shown?.removeAttribute("aria-describedby");shown=null;tip.hidden=true};
const show=(of)=>{
  hide();
  shown=of;
  const [title,...facts]=of.dataset.more.split("\\n");
  const name=document.createElement("b");
  name.textContent=title;
  const list=document.createElement("dl");
  for(const fact of facts){
    const [word,value]=fact.split("\\t");
    for(const [tag,text] of [["dt",word],["dd",value]]){
      const part=document.createElement(tag);
      part.textContent=text;
      list.append(part);
    }
  }
  tip.replaceChildren(name,list);
  tip.hidden=false;
  of.setAttribute("aria-describedby","tip");
  place(of.getBoundingClientRect());
};
const place=(of)=>{
  const {width,height}=tip.getBoundingClientRect(),edge=8;
  const left=Math.min(Math.max(of.left+12,edge),innerWidth-width-edge);
  const below=of.bottom+6,above=of.top-height-6;
  const top=below+height<=innerHeight-edge||above<edge?below:above;
  tip.style.left=Math.max(left,edge)+"px";
  tip.style.top=top+"px";
};
const moreAt=(event)=>event.target instanceof Element?event.target.closest("[data-more]"):null;
document.addEventListener("pointerover",(event)=>{
  const of=moreAt(event);
  if(of===shown)return;
  if(of)show(of);else hide();
});
document.addEventListener("focusin",(event)=>{
  const of=moreAt(event);
  if(of&&event.target.matches(":focus-visible"))show(of);
});
document.addEventListener("focusout",hide);
document.addEventListener("keydown",(event)=>{if(event.key==="Escape")hide()});
addEventListener("scroll",hide,{passive:true});
`;
