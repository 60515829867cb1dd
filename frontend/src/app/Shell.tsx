/** Header and frame of every page. */
import { ActionIcon, Group, Menu, Text, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconLanguage, IconMoon, IconSun } from "@tabler/icons-react";
import { NavLink, Outlet, useLocation } from "react-router";
import { useSession } from "../api/session";
import { type Locale, useLanguage, useText } from "../i18n/language";
import { LogInButton } from "../ui/LogIn";
import { AccountMenu } from "./AccountMenu";
import { carryDevUser } from "./devUser";
import iconUrl from "./icon.svg";
import classes from "./Shell.module.css";

export function Shell() {
  const text = useText();
  const { config } = useSession();
  const { search } = useLocation();
  return (
    <>
      <a href="#content" className={classes.skip}>
        {text.app.skip}
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          <div className={classes.brand}>
            <img src={iconUrl} alt="" width={26} height={26} />
            <Text fw={650} truncate>
              {config.ui.title}
            </Text>
          </div>
          <nav className={classes.nav} aria-label={text.app.navigation}>
            {(["gpus", "pods", "usage", "account"] as const).map((page) => (
              <NavLink
                key={page}
                to={{ pathname: `/${page}`, search: carryDevUser(search) }}
                className={classes.link ?? ""}
              >
                {text.app[page]}
              </NavLink>
            ))}
          </nav>
          <Group gap={6} wrap="nowrap" className={classes.tools}>
            <LanguageMenu />
            <ThemeMenu />
            <AccountMenu />
          </Group>
        </div>
      </header>
      <SessionEnded />
      <main id="content" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
    </>
  );
}

/** What one sees and has typed stays: logging in happens beside it, and coming back goes on here. */
function SessionEnded() {
  const text = useText();
  const { hasEnded, auth } = useSession();
  return (
    hasEnded && (
      <div className={classes.ended} role="alert">
        <Text size="sm">{auth.mode === "proxy" ? text.app.proxyLogIn : text.app.sessionEnded}</Text>
        <LogInButton newWindow size="xs" />
      </div>
    )
  );
}

function ThemeMenu() {
  const text = useText();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const icons = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop };
  const Current = icons[colorScheme];
  return (
    <ChoiceMenu
      label={text.app.theme}
      icon={<Current size={18} aria-hidden />}
      choices={text.app.themes}
      chosen={colorScheme}
      onChoose={setColorScheme}
    />
  );
}

function LanguageMenu() {
  const { text, locale, setLocale } = useLanguage();
  const choices: Record<Locale, string> = { en: "English", "zh-CN": "简体中文" };
  return (
    <ChoiceMenu
      label={text.app.language}
      icon={<IconLanguage size={18} aria-hidden />}
      choices={choices}
      chosen={locale}
      onChoose={setLocale}
    />
  );
}

interface ChoiceMenuProps<Choice extends string> {
  label: string;
  icon: React.ReactNode;
  choices: Record<Choice, string>;
  chosen: Choice;
  onChoose: (choice: Choice) => void;
}

function ChoiceMenu<Choice extends string>({
  label,
  icon,
  choices,
  chosen,
  onChoose,
}: ChoiceMenuProps<Choice>) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label}>
          {icon}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.entries(choices) as [Choice, string][]).map(([choice, name]) => (
          <Menu.Item
            key={choice}
            onClick={() => onChoose(choice)}
            rightSection={choice === chosen && <IconCheck size={14} aria-hidden />}
            {...(choice === chosen && { "aria-current": true })}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
