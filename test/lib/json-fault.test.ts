import { describe, expect, test } from "vitest";
import { faultInJson } from "../../lib/json-fault.ts";

describe("where a text stops being JSON", () => {
  test.each([
    ["", "line 1, column 1: a value is expected"],
    [" \n ", "line 2, column 2: a value is expected"],
    ["{", "line 1, column 2: a key or '}' is expected"],
    ["{ not JSON", "line 1, column 3: a key or '}' is expected"],
    ['{\n  "a": 1,\n}', "line 3, column 1: a key is expected"],
    ['{\n  "a": 1\n  "b": 2\n}', "line 3, column 3: ',' or '}' is expected"],
    ["[1 2]", "line 1, column 4: ',' or ']' is expected"],
    ["[1,]", "line 1, column 4: a value is expected"],
    ["[", "line 1, column 2: a value or ']' is expected"],
    ['{"a" 1}', "line 1, column 6: ':' is expected"],
    ['{"a":}', "line 1, column 6: a value is expected"],
    ['{"a":1} x', "line 1, column 9: its end is expected"],
    ["[1}", "line 1, column 3: ',' or ']' is expected"],
    ["{\"a\": 'b'}", "line 1, column 7: a value is expected"],
    ['"a\tb"', "line 1, column 1: a value is expected"],
    ['{"a": 01}', "line 1, column 8: ',' or '}' is expected"],
    ["// c\n{}", "line 1, column 1: a value is expected"],
  ])("%j", (text, fault) => {
    expect(faultInJson(text)).toBe(fault);
  });
});

test.each(['{"a":[1,-2.5e+3,{"b":null}],"c":"\\u00e9\\""}', " [] ", "{}", "0", '"x"', "true"])(
  "%s has none",
  (text) => {
    expect(JSON.parse(text)).toBeDefined();
    expect(faultInJson(text)).toBeUndefined();
  },
);

test("it and the runtime agree on what is JSON, whatever is broken", () => {
  const whole = '{"a":[1,-2.5e+3,{"b":null,"c":[]}],"d":"x\\n\\u00e9","e":true}';
  let broken = 0;
  for (let at = 0; at < whole.length; at += 1) {
    const others = ["", ...'{}[],:"1x \\'].map(
      (put) => whole.slice(0, at) + put + whole.slice(at + 1),
    );
    for (const text of [...others, whole.slice(0, at)]) {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect({ text, isJson: faultInJson(text) === undefined }).toEqual({ text, isJson });
      if (!isJson) broken += 1;
    }
  }
  expect(broken).toBeGreaterThan(300);
});
