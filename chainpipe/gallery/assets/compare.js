// Two videos side by side at the same moments, and why they are called alike.
"use strict";

(() => {
  const { el, videos, words, review } = Gallery;

  const isNumber = (value) => typeof value === "number";

  // Where the second video starts, as seen from the first, and how fast it runs.
  function shift(row, pair, turned) {
    const speed = turned ? 1 / pair.speed : pair.speed;
    const offset = turned ? -pair.offset / pair.speed : pair.offset;
    const seconds = `${Math.abs(offset).toFixed(1)} s ${offset > 0 ? "later" : "earlier"}`;
    const when = Math.abs(offset) < 0.05 ? "at the same time" : seconds;
    const fast = Math.abs(speed - 1) > 0.005 ? `, speed ${speed.toFixed(2)}` : "";
    return `${when} in ${videos.base(row)}${fast}`;
  }

  // One line for each thing that is known of a pair, `keep` first.
  function reasons(keep, row, { pair, turned }) {
    const [mine, theirs] = turned ? [pair.share_b, pair.share_a] : [pair.share_a, pair.share_b];
    const lines = [["Why", pair.exact ? "the same bytes" : pair.reason]];
    if (isNumber(mine)) {
      const shares = [
        [mine, keep],
        [theirs, row],
      ];
      const parts = shares.map(([part, of]) => `${words.percent(part)} of ${videos.base(of)}`);
      lines.push(["Alike", parts.join(", ")]);
    }
    if (isNumber(pair.offset) && !pair.exact) lines.push(["Times", shift(row, pair, turned)]);
    if (pair.mirrored) lines.push(["Mirrored", "one is the other's mirror image"]);
    if (isNumber(pair.distance)) lines.push(["Codes", Gallery.videos.distanceWords(pair.distance)]);
    if (pair.score && !pair.exact) lines.push(["Score", pair.score.toFixed(2)]);
    return Gallery.factList(lines, "tight");
  }

  function times(start, end, whole) {
    return `${words.clock(start, 1)} to ${words.clock(end, 1)} of ${words.clock(whole, 1)}`;
  }

  // The stretch that both show, on a bar as long as the video.
  function stretch(row, start, end) {
    const whole = Math.max(videos.seconds(row), end, 0.001);
    const bar = el("b", {});
    bar.style.left = `${(100 * start) / whole}%`;
    bar.style.width = `${(100 * (end - start)) / whole}%`;
    return el(
      "span",
      { class: "stretch", role: "img", "aria-label": times(start, end, whole) },
      bar,
    );
  }

  function side(row, strip, start, end) {
    const frames = strip
      ? Gallery.filmstrip(strip, videos.base(row))
      : Gallery.note(
          videos.strip(row) ? "No frames of the same moments." : videos.without(row),
          "nothing",
        );
    return el(
      "div",
      { class: "side" },
      el(
        "p",
        { class: "side-name" },
        el("a", { href: `#/video/${row}`, text: videos.base(row) }),
        start === null ? "" : el("span", { text: ` ${times(start, end, videos.seconds(row))}` }),
      ),
      start === null ? "" : stretch(row, start, end),
      frames,
    );
  }

  function compare(keep, row) {
    const found = review.pairOf(keep, row);
    if (!found) return Gallery.note("These two were not compared with each other.", "nothing");
    const { pair, turned } = found;
    const one = [pair.strips[0], pair.a_start ?? null, pair.a_end];
    const other = [pair.strips[1], pair.b_start ?? null, pair.b_end];
    const [mine, theirs] = turned ? [other, one] : [one, other];
    return el(
      "div",
      { class: "compare" },
      el("h3", { text: "The same moments" }),
      side(keep, ...mine),
      side(row, ...theirs),
      reasons(keep, row, found),
    );
  }

  Gallery.comparePair = compare;
})();
