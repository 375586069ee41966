// Where words and characters of a text begin and end, in Unicode code points: what Python counts, too, so that an emoji is one.

const cut = (text, granularity, language) => {
  try {
    return new Intl.Segmenter(language || undefined, { granularity }).segment(text);
  } catch {
    return new Intl.Segmenter(undefined, { granularity }).segment(text);
  }
};

const length = (text) => [...text].length;

/** [{start, end, text, blank}] of all words, signs and blanks of a text, in order; a language without spaces is cut by its dictionary. */
export function words(text, language) {
  let at = 0;
  return [...cut(text, "word", language)].map(({ segment }) => {
    const start = at;
    at += length(segment);
    return { start, end: at, text: segment, blank: !segment.trim() };
  });
}

/** The offsets between what readers see as characters: never inside a flag, a family or a letter with its accents. */
export function edges(text) {
  const all = [0];
  for (const { segment } of cut(text, "grapheme")) all.push(all.at(-1) + length(segment));
  return all;
}

/** The tokens that a template gives: texts in their order, or places in the text; without any, words and signs. */
export function tokens(text, given, language) {
  if (!Array.isArray(given) || !given.length) return words(text, language).filter(({ blank }) => !blank);
  const points = [...text];
  let from = 0;
  return given.map((one) => {
    if (one !== null && typeof one === "object") return { start: one.startOffset, end: one.endOffset, text: points.slice(one.startOffset, one.endOffset).join("") };
    const found = text.indexOf(one, from);
    if (found < 0) return null;
    from = found + one.length;
    const start = length(text.slice(0, found));
    return { start, end: start + length(one), text: String(one) };
  }).filter(Boolean);
}
