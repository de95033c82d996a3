import { decodeFrame } from "/static/frames.js";
import "/static/viewer.js";

const viewer = document.getElementById("viewer");
document.getElementById("colours").viewer = viewer;
window.viewer = viewer;
window.told = [];
for (const name of ["handle", "pick", "region", "line", "cursor", "view", "settings", "tool"]) {
  viewer.addEventListener(name, (event) => window.told.push({ name, ...event.detail }));
}

/** Shows a frame that the test has put on the server. */
window.show = async (name) => {
  const answer = await fetch(`/frames/${name}`);
  return viewer.show(await decodeFrame(await answer.arrayBuffer()));
};
window.ready = true;
