// The smallest Probot app: it counts what it hears, keeps nothing, and asks GitHub nothing.
import { createServer } from "node:http";
import { createNodeMiddleware, createProbot } from "probot";

let heard = 0;
const middleware = await createNodeMiddleware(
  (app) => app.on("pull_request", () => void (heard += 1)),
  { probot: createProbot(), webhooksPath: "/webhook" },
);
createServer((request, response) => {
  if (request.url === "/heard") return response.end(String(heard));
  return middleware(request, response, () => response.writeHead(404).end());
}).listen(Number(process.env.PORT), "127.0.0.1");
