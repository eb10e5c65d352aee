// The page: every part begins to listen, then the list of videos is asked for.

import * as compare from "./compare.js";
import * as found from "./found.js";
import * as layers from "./layers.js";
import * as player from "./player.js";
import * as queue from "./queue.js";
import * as settings from "./settings.js";
import * as stage from "./stage.js";
import * as tools from "./tools.js";
import * as videos from "./videos.js";
import * as views from "./views.js";

// The token is in the cookie now, and need not stay in the address, where it is seen and kept in the history.
history.replaceState(null, "", "/");

for (const part of [views, videos, player, stage, tools, found, layers, settings, compare]) part.start();
videos.list();
queue.start();
