// Properties draw anew at every run, so that they explore; in CI they repeat the same draws.
import fc from "fast-check";

if (process.env.CI) fc.configureGlobal({ seed: 20261122 });
