// React hooks that follow a signal, the accounts, and the clock.

import type { ISignal } from "@lumino/signaling";
import { useEffect, useState, useSyncExternalStore } from "react";

import type { State } from "./model";
import type { IAccounts } from "./tokens";

const TICK = 20_000; // ms: durations are told in minutes

/** What `get` returns, whenever the signal is emitted. */
export function useSignal<S, T>(signal: ISignal<S, void>, get: () => T): T {
  return useSyncExternalStore(changed => {
    signal.connect(changed);
    return () => signal.disconnect(changed);
  }, get);
}

/** The current state. */
export function useAccounts(accounts: IAccounts): State {
  return useSignal(accounts.changed, () => accounts.state);
}

/** The time in seconds since 1970, renewed every TICK. */
export function useNow(): number {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      tick(count => count + 1);
    }, TICK);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return Date.now() / 1000;
}
