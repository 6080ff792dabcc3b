// What there is to review: groups of copies, and pairs that are in no group.
"use strict";

(() => {
  const { videos, duplicates } = Gallery;
  const TITLES = { copy: "Copies", "part-of": "Part of another", "same-scenes": "Same scenes" };
  const pairs = new Map();
  for (const pair of duplicates.pairs) pairs.set(`${pair.a} ${pair.b}`, pair);

  // The pair of two rows and whether the first of them is its `b`.
  function pairOf(one, other) {
    const straight = pairs.get(`${one} ${other}`);
    if (straight) return { pair: straight, turned: false };
    const turned = pairs.get(`${other} ${one}`);
    return turned ? { pair: turned, turned: true } : null;
  }

  const groupOf = new Map();
  const cases = duplicates.groups.map(([keep, others, reason], at) => {
    for (const row of [keep, ...others]) groupOf.set(row, at);
    return { rows: [keep, ...others], kind: "copy", reason };
  });
  for (const { a, b, answer } of duplicates.pairs) {
    const together = answer === "copy" && groupOf.has(a) && groupOf.get(a) === groupOf.get(b);
    if (!together) cases.push({ rows: [a, b], kind: answer, reason: "" });
  }
  cases.forEach((one, number) => {
    one.number = number;
    one.title = TITLES[one.kind] ?? one.kind;
  });

  // The row to keep: the one that was chosen last, which stands first in its line, else the best.
  function kept(one) {
    for (const row of one.rows) {
      const others = one.rows.filter((other) => other !== row);
      const lines = others.map((other) => Gallery.decisions.lineOf(row, other));
      const accepted = lines.filter((line) => line?.decision === "accept");
      const first = accepted.filter((line) => line.path_a === videos.path(row));
      if (first.length && first.length === accepted.length) return row;
    }
    return one.rows[0];
  }

  // The first file of a case about which nothing is decided.
  function open(one) {
    const keep = kept(one);
    return one.rows.find((row) => row !== keep && Gallery.decisions.of(keep, row) === null);
  }

  const decided = (one) => open(one) === undefined;

  Object.assign(Gallery, { cases, review: { pairOf, kept, open, decided } });
})();
