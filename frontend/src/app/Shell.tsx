/** Header and frame of every page. */
import { ActionIcon, Button, Group, Menu, Text, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconLanguage, IconMoon, IconSun, IconUser } from "@tabler/icons-react";
import { useEffect } from "react";
import { NavLink, Outlet, useLocation } from "react-router";
import { useSession } from "../api/session";
import { type Locale, useLanguage, useText } from "../i18n/language";
import { carryDevUser } from "./devUser";
import iconUrl from "./icon.svg";
import classes from "./Shell.module.css";

export function Shell() {
  const text = useText();
  const { config } = useSession();
  const { search } = useLocation();
  useEffect(() => {
    document.title = config.ui.title;
  }, [config.ui.title]);
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
            {(["gpus", "pods", "usage"] as const).map((page) => (
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
            <Account />
          </Group>
        </div>
      </header>
      <main id="content" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
    </>
  );
}

function Account() {
  const text = useText();
  const { auth } = useSession();
  if (!auth.authenticated) {
    return (
      auth.loginURL && (
        <Button component="a" href={auth.loginURL} size="xs">
          {text.app.logIn}
        </Button>
      )
    );
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="sm"
          px={8}
          leftSection={<IconUser size={18} aria-hidden />}
          classNames={{ section: classes.accountIcon ?? "", label: classes.accountName ?? "" }}
          aria-label={`${text.app.account}: ${auth.username}`}
        >
          {auth.username}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)">
            {auth.username}
          </Text>
          {auth.email}
        </Menu.Label>
      </Menu.Dropdown>
    </Menu>
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
