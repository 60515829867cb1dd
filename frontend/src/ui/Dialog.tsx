/**
 * Dialogs and panels at the side. They are there as long as they are open, so what the component library does when one
 * closes never happens: that the focus goes back is done here.
 */
import { Drawer, type DrawerProps, Modal, type ModalProps } from "@mantine/core";
import { useEffect, useState } from "react";
import { useText } from "../i18n/language";

export function Dialog(props: Omit<ModalProps, "opened" | "closeButtonProps">) {
  const text = useText();
  useFocusBack();
  return <Modal {...props} opened closeButtonProps={{ "aria-label": text.app.close }} />;
}

export function SidePanel(props: Omit<DrawerProps, "opened" | "closeButtonProps" | "position" | "size">) {
  const text = useText();
  useFocusBack();
  return (
    <Drawer
      {...props}
      opened
      position="right"
      size="xl"
      closeButtonProps={{ "aria-label": text.app.close }}
    />
  );
}

/** To where it was; if that is gone by now, or cannot be used any more, to the page's content. */
function useFocusBack(): void {
  const [origin] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // When the trap of this dialog is gone as well.
      setTimeout(() => {
        for (const target of [origin, document.getElementById("content")]) {
          if (target instanceof HTMLElement && document.activeElement === document.body) {
            target.focus({ preventScroll: true });
          }
        }
      });
    },
    [origin],
  );
}
