import { expect, test } from "vitest";
import { element, escaped, verbatim } from "../../../lib/topology/markup.ts";

test("text cannot become markup, nor leave an attribute", () => {
  const said = `<script>alert("1")</script> & 'x'`;
  const { markup } = element("p", { title: said }, said);
  const safe = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;";
  expect(markup).toBe(`<p title="${safe}">${safe}</p>`);
});

test("what text may not hold, or turns its direction, is shown as such", () => {
  expect(escaped("a\0b\u202ec\ud800d\u0085e\ufffff")).toBe("a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf");
  expect(escaped("tab\tline\n名前 \u{1f600} é")).toBe("tab\tline\n名前 \u{1f600} é");
});

test("children, and attributes that are there or not", () => {
  const nothing = { hidden: false, id: undefined };
  const list = element("ul", { ...nothing, open: true, x: 1.5 }, [element("li", {}, 3), undefined]);
  expect(list.markup).toBe('<ul open="" x="1.5"><li>3</li></ul>');
  expect(element("meta", { charset: "utf-8" }).markup).toBe('<meta charset="utf-8">');
  expect(element("style", {}, verbatim("a>b{}")).markup).toBe("<style>a>b{}</style>");
});
