// Keeps the keyboard focus when the control that had it disappears.

import * as React from "react";

interface Props {
  children: React.ReactNode;
  /** The element to watch. */
  within: () => HTMLElement | null;
  /** Called when the focus in it is lost. */
  lost: () => void;
}

/** Has to render together with its children. A class: hooks cannot run before an update. */
export class KeptFocus extends React.Component<Props> {
  override getSnapshotBeforeUpdate(): boolean {
    return this.props.within()?.contains(document.activeElement) ?? false;
  }

  override componentDidUpdate(_props: Props, _state: unknown, had: boolean): void {
    if (had && document.activeElement === document.body) this.props.lost();
  }

  override render(): React.ReactNode {
    return this.props.children;
  }
}

/** Focus the first control in `node`; whether there is one. */
export function focusFirst(node: HTMLElement | null): boolean {
  const found = node?.querySelector<HTMLElement>("a, button");
  found?.focus();
  return Boolean(found);
}
