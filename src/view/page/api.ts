// Questions to the server. Addresses are relative, so that the token in the page's own goes with each.

/** What the server said instead of an answer. */
class Refusal extends Error {}

/** Asks for `path`; empty values of `query` are left out.
 *  @throws Refusal with the server's words, or that it does not answer */
export async function ask<T>(
  path: string,
  query: Readonly<Record<string, string | number>> = {},
): Promise<T> {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const words = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  let response: Response;
  try {
    response = await fetch(`api/${path}${words === "" ? "" : `?${words}`}`);
  } catch {
    throw new Refusal(
      "sekft view does not answer: it has ended, or sleeps. Start it again and open the new address.",
    );
  }
  const answer = (await response.json().catch(() => null)) as (T & { error?: string; hint?: string }) | null;
  if (response.ok && answer !== null) return answer;
  const hint = answer?.hint === undefined ? "" : ` (${answer.hint})`;
  throw new Refusal(`${answer?.error ?? `the server said ${response.status}`}${hint}`);
}

/** Asks again and again until the view is left; `ask` says in how many milliseconds, or that it is done. */
export class Poll {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  constructor(private readonly step: () => Promise<number | undefined>) {
    void this.run();
  }

  /** Now instead of later. */
  readonly run = async (): Promise<void> => {
    clearTimeout(this.timer);
    if (this.ended) return;
    const wait = await this.step();
    if (wait !== undefined && !this.ended) {
      clearTimeout(this.timer);
      this.timer = setTimeout(this.run, document.hidden ? Math.max(wait, 5000) : wait);
    }
  };

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }
}
