// React hooks that follow the accounts and the clock.

import { useEffect, useState, useSyncExternalStore } from "react";

import type { State } from "./model";
import type { IAccounts } from "./tokens";

const TICK = 20_000; // ms: durations are told in minutes

/** The current state. */
export function useAccounts(accounts: IAccounts): State {
  return useSyncExternalStore(
    changed => {
      accounts.changed.connect(changed);
      return () => accounts.changed.disconnect(changed);
    },
    () => accounts.state
  );
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
