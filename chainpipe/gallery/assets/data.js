// What is known of each video, by its row.
"use strict";

(() => {
  const { videos, near, library, duplicates } = Gallery.data;
  const { clock, size } = Gallery.words;
  const count = videos.names.length;
  const rowsOf = new Map();
  videos.ids.forEach((id, row) => rowsOf.set(id, [...(rowsOf.get(id) ?? []), row]));

  const name = (row) => videos.names[row];
  const base = (row) => name(row).slice(name(row).lastIndexOf("/") + 1);
  const folder = (row) => name(row).slice(0, Math.max(0, name(row).lastIndexOf("/")));
  const labels = (row) => videos.labels[row].map((at) => videos.labelNames[at]);
  const strip = (row) => videos.strips[row] ?? null;
  // As in JSON of the commands: bytes that are no UTF-8 are escaped, and told beside it.
  const path = (row) => videos.paths[row] ?? videos.names[row];
  const pathBytes = (row) => videos.pathBytes[row];

  function picture(row) {
    return videos.width[row] ? `${videos.width[row]}×${videos.height[row]}` : "";
  }

  function length(row) {
    return videos.seconds[row] > 0 ? clock(videos.seconds[row]) : "";
  }

  // Why a video has no pictures, for its placeholder.
  function without(row) {
    return videos.missing[row] ?? "no picture";
  }

  function neighbours(row) {
    const found = [];
    for (let at = row * near.count; at < (row + 1) * near.count; at += 1) {
      found.push({ row: near.rows[at], distance: near.distances[at] });
    }
    return found;
  }

  function distanceWords(distance) {
    return near.bits ? `${distance} of ${near.bits} bits` : `distance ${distance.toFixed(2)}`;
  }

  // From 0 (the same) to 1 (as far as can be told).
  function farness(distance) {
    return Math.min(1, near.bits ? (2 * distance) / near.bits : distance);
  }

  function facts(row) {
    return [picture(row), length(row), videos.bytes[row] ? size(videos.bytes[row]) : ""].filter(
      Boolean,
    );
  }

  const served = location.protocol === "http:" || location.protocol === "https:";

  Object.assign(Gallery, {
    videos: {
      count,
      rowsOf,
      name,
      base,
      folder,
      labels,
      strip,
      path,
      pathBytes,
      picture,
      length,
      without,
      neighbours,
      distanceWords,
      farness,
      facts,
      id: (row) => videos.ids[row],
      seconds: (row) => videos.seconds[row],
      blank: (row) => videos.blank[row] ?? "",
      split: (row) => (videos.splits[row] === "none" ? "" : videos.splits[row]),
      raw: videos,
    },
    library,
    duplicates,
    served,
  });
})();
