// Where the focus goes once the control that had it is gone.

import * as React from "react";

interface Props {
  children: React.ReactNode;
  /** What the focus was in. */
  within: () => HTMLElement | null;
  /** Called when it is nowhere any more. */
  lost: () => void;
}

/** To be rendered anew together with its children. A class: hooks see nothing before an update. */
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

/** Give it to the first control in there; whether there is one. */
export function focusFirst(node: HTMLElement | null): boolean {
  const found = node?.querySelector<HTMLElement>("a, button");
  found?.focus();
  return Boolean(found);
}
