# The control plane as an image:
#   docker build -t switchboard .
#   docker run -v switchboard:/var/lib/switchboard -p 7070:7070 switchboard --listen 0.0.0.0:7070 …
# An address other than loopback is refused without TLS and tokens: docs/configuration.md has the flags.
ARG NODE=24-slim

FROM node:${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.base.json tsconfig.build.json ./
COPY scripts scripts
COPY generated generated
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:${NODE}
ENV NODE_ENV=production SWITCHBOARD_DATA_DIR=/var/lib/switchboard
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# A named volume takes over the owner of the folder that it is mounted on.
RUN mkdir /var/lib/switchboard && chown node:node /var/lib/switchboard
VOLUME /var/lib/switchboard
USER node
EXPOSE 7070
ENTRYPOINT ["node", "dist/src/server/main.js"]
