# One image for nodes and for the demo's real servers: `gtm` with what it needs to run, not as root.
FROM node:20.20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
# No scripts: `prepare` would build before the sources are here.
RUN npm ci --ignore-scripts
COPY src ./src
RUN npm run build

FROM node:20.20-bookworm-slim
ENV NODE_ENV=production \
    GTM_CONFIG=/app/zones/compose.yaml
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts \
 && npm cache clean --force \
 && ln -s /app/dist/src/main.js /usr/local/bin/gtm \
 && install -d -o node -g node -m 0700 /var/lib/gtm
COPY --from=build --chmod=0755 /app/dist/src ./dist/src
COPY --from=build /app/src/nic/xdp/steer.o ./src/nic/xdp/
COPY zones ./zones
USER node
# DNS, admin, and what VIPs serve: all above 1023, so that no capability is needed.
EXPOSE 5300/udp 5300/tcp 8053/tcp 8080/tcp
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 CMD ["gtm", "status", "-q"]
ENTRYPOINT ["gtm"]
CMD ["serve"]
