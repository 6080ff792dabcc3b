// Two videos side by side at the same moments, and why they are called alike.
"use strict";

(() => {
  const { el, videos, words, review } = Gallery;

  function share(value) {
    return value === null ? "" : words.percent(value);
  }

  // One line for each thing that is known of a pair, `keep` first.
  function reasons(keep, row, { pair, turned }) {
    const [mine, theirs] = turned ? [pair.share_b, pair.share_a] : [pair.share_a, pair.share_b];
    const lines = [["Why", pair.exact ? "the same bytes" : pair.reason]];
    if (mine !== null && mine !== undefined) {
      lines.push(["Alike", `${share(mine)} of ${videos.base(keep)}, ${share(theirs)} of ${videos.base(row)}`]);
    }
    if (pair.offset !== null && pair.offset !== undefined && !pair.exact) {
      const [speed, offset] = turned ? [1 / pair.speed, -pair.offset / pair.speed] : [pair.speed, pair.offset];
      const later = Math.abs(offset) < 0.05 ? "at the same time" : `${Math.abs(offset).toFixed(1)} s ${offset > 0 ? "later" : "earlier"}`;
      lines.push(["Times", `${later} in ${videos.base(row)}${Math.abs(speed - 1) > 0.005 ? `, speed ${speed.toFixed(2)}` : ""}`]);
    }
    if (pair.mirrored) lines.push(["Mirrored", "one is the other's mirror image"]);
    if (pair.distance !== null && pair.distance !== undefined) lines.push(["Codes", Gallery.videos.distanceWords(pair.distance)]);
    if (pair.score && !pair.exact) lines.push(["Score", pair.score.toFixed(2)]);
    return el("dl", { class: "facts tight" }, ...lines.flatMap(([term, text]) => [el("dt", { text: term }), el("dd", { text })]));
  }

  function stretch(row, start, end) {
    const whole = Math.max(videos.seconds(row), end, 0.001);
    const bar = el("b", {});
    bar.style.left = `${(100 * start) / whole}%`;
    bar.style.width = `${(100 * (end - start)) / whole}%`;
    return el("span", { class: "stretch", role: "img", "aria-label": `${words.clock(start, 1)} to ${words.clock(end, 1)} of ${words.clock(whole, 1)}` }, bar);
  }

  function side(row, strip, start, end) {
    const frames = strip
      ? Gallery.filmstrip(strip, videos.base(row))
      : el("p", { class: "nothing", text: videos.strip(row) ? "No frames of the same moments." : videos.without(row) });
    return el("div", { class: "side" },
      el("p", { class: "side-name" }, el("a", { href: `#/video/${row}`, text: videos.base(row) }),
        start === null ? "" : el("span", { text: ` ${words.clock(start, 1)} to ${words.clock(end, 1)} of ${words.clock(videos.seconds(row), 1)}` })),
      start === null ? "" : stretch(row, start, end),
      frames);
  }

  function compare(keep, row) {
    const found = review.pairOf(keep, row);
    if (!found) return el("p", { class: "nothing", text: "These two were not compared with each other." });
    const { pair, turned } = found;
    const one = [pair.strips[0], pair.a_start ?? null, pair.a_end];
    const other = [pair.strips[1], pair.b_start ?? null, pair.b_end];
    const [mine, theirs] = turned ? [other, one] : [one, other];
    return el("div", { class: "compare" },
      el("h3", { text: "The same moments" }),
      side(keep, ...mine), side(row, ...theirs), reasons(keep, row, found));
  }

  Gallery.comparePair = compare;
})();
