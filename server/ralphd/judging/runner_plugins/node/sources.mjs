// `sources.cjs` for a Node that runs such changes in a thread of their own (before 22.15).
import sources from "./sources.cjs";

export async function load(url, context, nextLoad) {
  return sources.changed(url, await nextLoad(url, context));
}
