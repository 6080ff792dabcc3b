// Put the pages in their order and show the one that the address names.
"use strict";

(() => {
  const { router, library, words, videos } = Gallery;
  const about = [words.counted(videos.count, "video"), library.model].filter(Boolean).join(" · ");
  document.getElementById("about").textContent = about;
  Gallery.decisions.load();
  router.add("library", Gallery.libraryPage);
  router.add("duplicates", Gallery.reviewPage);
  router.add("films", Gallery.filmsPage);
  router.add("map", Gallery.mapPage);
  router.add("apart", Gallery.apartPage);
  router.add("video", Gallery.videoPage);
  document.addEventListener("decisions", router.drawTabs);
  document.addEventListener("filter", router.drawTabs);
  router.show();
})();
