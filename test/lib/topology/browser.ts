/**
 * A headless Chromium, told what to do by the DevTools protocol over two pipes: no port is opened.
 *
 * What a page asks for and what it complains of is kept, so that a test can say that there was none.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

type Message = Readonly<Record<string, unknown>>;

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly theme: "light" | "dark";
  readonly media?: "screen" | "print";
}

export interface Page {
  /** What an expression gives, in the page. */
  readonly evaluate: <T>(expression: string) => Promise<T>;
  readonly look: (look: Look) => Promise<void>;
  /** Moves the pointer, in pixels of the window. */
  readonly point: (x: number, y: number) => Promise<void>;
  readonly click: (x: number, y: number) => Promise<void>;
  /** Types a key: "Tab", "Escape", "a". */
  readonly press: (key: string) => Promise<void>;
  /** As PNG: what the window shows, or the whole page. */
  readonly picture: (of?: "window" | "page") => Promise<Buffer>;
  /** All that was asked for, the page itself included. */
  readonly requests: readonly string[];
  /** Exceptions, errors on the console, and what the page's policy has refused. */
  readonly complaints: readonly string[];
}

export interface Browser {
  readonly open: (url: string, look: Look) => Promise<Page>;
  readonly close: () => Promise<void>;
}

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

export async function startBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "socketplane-chromium-"));
  const chromium = spawn("chromium", [...flags, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    // Its files for crashes and settings are with the profile too.
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
  });
  const ended = once(chromium, "close");
  const { call, on } = conversation(
    chromium.stdio[3] as Writable,
    chromium.stdio[4] as Readable,
    ended,
  );
  return {
    open: async (url, look) => {
      const { targetId } = await call("Target.createTarget", { url: "about:blank" });
      const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
      return openPage({ call, on, session: String(sessionId) }, url, look);
    },
    close: async () => {
      await call("Browser.close", {}).catch(() => chromium.kill("SIGKILL"));
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

type Call = (method: string, params: Message, sessionId?: string) => Promise<Message>;
type On = (handle: (method: string, params: Message, session: string) => void) => void;

/** Messages end with a zero byte; answers have their question's number. */
function conversation(to: Writable, from: Readable, ended: Promise<unknown>) {
  const open = new Map<number, PromiseWithResolvers<Message>>();
  const handlers: Parameters<On>[0][] = [];
  let number = 0;
  let rest = "";
  const refuse = (why: string) => {
    for (const { reject } of open.values()) reject(new Error(why));
    open.clear();
  };
  from.setEncoding("utf8").on("data", (text: string) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop() ?? "";
    for (const message of messages) {
      const { id, result, error, method, params, sessionId } = JSON.parse(message);
      if (id === undefined) for (const handle of handlers) handle(method, params, sessionId);
      else if (error === undefined) open.get(id)?.resolve(result);
      else open.get(id)?.reject(new Error(error.message));
      open.delete(id);
    }
  });
  // Whoever waits hears of a browser that has gone; a pipe to nobody is no other fault.
  to.on("error", () => {});
  void ended.then(
    () => refuse("Chromium has ended"),
    (reason: Error) => refuse(reason.message),
  );
  const call: Call = (method, params, sessionId) => {
    number += 1;
    const answer = Promise.withResolvers<Message>();
    open.set(number, answer);
    to.write(`${JSON.stringify({ id: number, method, params, sessionId })}\0`);
    return answer.promise;
  };
  const on: On = (handle) => handlers.push(handle);
  return { call, on };
}

interface Session {
  readonly call: Call;
  readonly on: On;
  readonly session: string;
}

async function openPage({ call, on, session }: Session, url: string, look: Look): Promise<Page> {
  const ask = (method: string, params: Message = {}) => call(method, params, session);
  const requests: string[] = [];
  const complaints: string[] = [];
  const loaded = Promise.withResolvers<void>();
  on((method, params, from) => {
    if (from !== session) return;
    const { request, entry, type, args, exceptionDetails } = params as Record<string, Message>;
    if (method === "Network.requestWillBeSent") requests.push(String(request?.url));
    if (method === "Log.entryAdded") complaints.push(String(entry?.text));
    if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(exceptionDetails));
    if (method === "Runtime.consoleAPICalled") complaints.push(`${type}: ${JSON.stringify(args)}`);
    if (method === "Page.loadEventFired") loaded.resolve();
  });
  for (const domain of ["Network", "Log", "Runtime", "Page"]) await ask(`${domain}.enable`);
  const setLook = async ({ width, height, theme, media = "screen" }: Look) => {
    const features = [{ name: "prefers-color-scheme", value: theme }];
    await ask("Emulation.setEmulatedMedia", { media, features });
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await ask("Emulation.setDeviceMetricsOverride", size);
  };
  const mouse = (type: string, x: number, y: number, more: Message = {}) =>
    ask("Input.dispatchMouseEvent", { type, x, y, ...more });
  const evaluate = async <T>(expression: string): Promise<T> => {
    const asked = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await ask("Runtime.evaluate", asked);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  };
  await setLook(look);
  await ask("Page.navigate", { url });
  await loaded.promise;
  return {
    evaluate,
    requests,
    complaints,
    look: async (wanted) => {
      await setLook(wanted);
      // Until the page has been laid out, and its observers have been told.
      await evaluate("new Promise((done)=>requestAnimationFrame(()=>requestAnimationFrame(done)))");
    },
    point: async (x, y) => {
      await mouse("mouseMoved", x, y);
    },
    click: async (x, y) => {
      const button = { button: "left", clickCount: 1 };
      await mouse("mousePressed", x, y, button);
      await mouse("mouseReleased", x, y, button);
    },
    press: async (key) => {
      const text = key.length === 1 ? { text: key } : {};
      const windowsVirtualKeyCode = { Tab: 9, Escape: 27, Enter: 13 }[key];
      const pressed = {
        key,
        code: key,
        ...text,
        ...(windowsVirtualKeyCode && { windowsVirtualKeyCode }),
      };
      await ask("Input.dispatchKeyEvent", { type: "keyDown", ...pressed });
      await ask("Input.dispatchKeyEvent", { type: "keyUp", ...pressed });
    },
    picture: async (of = "window") => {
      const wanted = { format: "png", captureBeyondViewport: of === "page" };
      const { data } = await ask("Page.captureScreenshot", wanted);
      return Buffer.from(String(data), "base64");
    },
  };
}
