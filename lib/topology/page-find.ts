/** Part of the page's script: what is searched for is all that is shown; a chosen network stands out. */

export const findScript = `
const search=one("#search"),found=one(".found"),places=all(".place");
const was=new Map(places.map((place)=>[place,one(".node",place).open]));
const has=(of,words)=>words.every((word)=>of.includes(word));
const find=()=>{
  const words=search.value.toLowerCase().split(" ").filter(Boolean);
  let rows=0,nodes=0;
  for(const place of places){
    const node=one(".node",place),whole=has(node.dataset.find,words);
    let any=false;
    for(const group of all(".group",node)){
      let some=false;
      for(const row of all(".row",group)){
        const hit=whole||has(row.dataset.find,words);
        row.parentElement.hidden=!hit;
        if(hit){some=true;rows+=1}
      }
      group.hidden=!(some||whole);
      any||=some;
    }
    place.hidden=!(whole||any);
    if(!place.hidden)nodes+=1;
    node.open=words.length>0&&any&&!whole?true:was.get(place);
  }
  one(".counts").hidden=words.length>0;
  found.textContent=words.length===0?"":nodes===0?"Nothing found":
    rows+(rows===1?" container":" containers")+" on "+nodes+(nodes===1?" node":" nodes");
  draw();
};
search.addEventListener("input",find);
addEventListener("keydown",(event)=>{
  if(event.key==="/"&&document.activeElement!==search){event.preventDefault();search.focus()}
  if(event.key==="Escape"&&document.activeElement===search){search.value="";find()}
});
const networks=all(".network");
const choose=(chosen)=>{
  for(const one of networks)one.setAttribute("aria-pressed",String(one===chosen));
  const mark=chosen?.dataset.network;
  map.classList.toggle("lit",chosen!==undefined);
  for(const part of all("[data-network]",map))part.classList.toggle("on",part.dataset.network===mark);
  for(const node of all(".node",map))node.classList.toggle("on",one(".on",node)!==null);
};
for(const network of networks)network.addEventListener("click",()=>{
  choose(network.getAttribute("aria-pressed")==="true"?undefined:network);
});
find();
`;
