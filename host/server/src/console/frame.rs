//! The frame around every page: where a person can go, what waits there, who is signed in, and the time.

use super::assets::Assets;
use super::components::{Hidden, Icon, Tone};
use super::session::Signed;
use super::words::{Wall, in_query};
use handoff_app::error::AppError;
use handoff_app::shard::Shard;
use handoff_control::incidents::IncidentQuery;
use handoff_control::installations::{InstallationList, InstallationQuery};
use handoff_model::actor::Identity;
use handoff_model::delivery::zone::TimeZone;
use handoff_model::scope::Scope;

/// The parts of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Installations,
    Find,
    DeadLetters,
    Events,
    Held,
    Incidents,
    Audit,
    Host,
}

/// What a page shows around its content.
pub(super) struct Frame {
    pub(super) title: String,
    /// The page above this one: path and words.
    pub(super) back: Option<(String, String)>,
    pub(super) time: String,
    pub(super) zone: String,
    pub(super) who: String,
    pub(super) csrf: Hidden,
    pub(super) items: Vec<Item>,
    pub(super) scopes: Vec<Choice>,
    /// Whether the script reads the page again by itself.
    pub(super) is_live: bool,
    pub(super) assets: &'static Assets,
}

/// A place to go.
pub(super) struct Item {
    pub(super) icon: Icon,
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) is_current: bool,
    /// On a phone, these are below `More`.
    pub(super) is_second: bool,
    pub(super) count: u64,
    pub(super) counted: &'static str,
    pub(super) tone: Tone,
}

/// A rooftop or a group to choose.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

/// A page before it is framed: who asks, and for which rooftop or group.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) signed: Signed,
    pub(super) scope: Option<Scope>,
}

/// What every page reads: the installations of the scope, with their pending work.
pub(super) struct Ground {
    pub(super) list: InstallationList,
    pub(super) incidents: Vec<handoff_control::incidents::IncidentView>,
    pub(super) wall: Wall,
}

impl Ground {
    pub(super) fn of(shard: &Shard, scope: Option<&Scope>) -> Result<Self, AppError> {
        let list = shard.list_installations(&InstallationQuery { rooftop: scope.cloned() });
        let incidents = shard.list_incidents(&IncidentQuery { rooftop: scope.cloned() })?.incidents;
        Ok(Self { list, incidents, wall: wall(shard, scope) })
    }

    /// The sum of a count over all installations.
    pub(super) fn sum(&self, count: impl Fn(&handoff_control::host::status::Counts) -> u64) -> u64 {
        self.list.installations.iter().map(|one| count(&one.counts)).sum()
    }
}

/// The clock of a scope. Without one: of all rooftops, if they have one zone, else UTC.
pub(super) fn wall(shard: &Shard, scope: Option<&Scope>) -> Wall {
    let config = shard.process().config();
    let zone = scope.and_then(|scope| config.zone(scope)).unwrap_or_else(|| {
        let zones = config.zones();
        let mut all = zones.values();
        let first = all.next().copied().unwrap_or(TimeZone::UTC);
        if all.all(|zone| *zone == first) { first } else { TimeZone::UTC }
    });
    Wall { zone, now: shard.process().clock().now() }
}

/// The name that people know a scope by.
pub(super) fn scope_title(shard: &Shard, scope: &Scope) -> String {
    let config = shard.process().config();
    let title = match scope {
        Scope::Rooftop(name) => config.rooftops.get(name).and_then(|rooftop| rooftop.title.clone()),
        Scope::Group(name) => config.groups.get(name).and_then(|group| group.title.clone()),
    };
    title.unwrap_or_else(|| match scope {
        Scope::Rooftop(name) => name.to_string(),
        Scope::Group(name) => format!("Group {name}"),
    })
}

impl Frame {
    pub(super) fn new(shard: &Shard, ask: &Ask, ground: &Ground, section: Section, title: impl Into<String>) -> Self {
        let who = match &ask.signed.caller.0 {
            Identity::Host => "Handoff".to_owned(),
            Identity::User(name) => name.clone(),
            Identity::Token(name) => format!("Token {name}"),
        };
        let chosen = ask.scope.as_ref().map(ToString::to_string);
        let choice = |scope: Scope| Choice {
            label: scope_title(shard, &scope),
            is_chosen: ask.scope.as_ref() == Some(&scope),
            value: scope.to_string(),
        };
        let query = chosen.as_deref().map(|scope| format!("?rooftop={}", in_query(scope))).unwrap_or_default();
        let item = |icon, label, path: &str, of: Section, is_second| Item {
            icon,
            label,
            href: format!("{path}{query}"),
            is_current: of == section,
            is_second,
            count: 0,
            counted: "",
            tone: Tone::Plain,
        };
        let counted = |item: Item, tone, count, counted| Item { tone, count, counted, ..item };
        let incidents = u64::try_from(ground.incidents.len()).unwrap_or(u64::MAX);
        let dead = ground.sum(|counts| counts.dead_letters);
        let held = ground.sum(|counts| counts.outbox_held);
        let items = vec![
            item(Icon::Overview, "Overview", "/", Section::Overview, false),
            item(Icon::Installations, "Installations", "/installations", Section::Installations, false),
            item(Icon::Find, "Find", "/find", Section::Find, false),
            counted(
                item(Icon::DeadLetters, "Dead letters", "/dead-letters", Section::DeadLetters, false),
                Tone::Bad,
                dead,
                "dead letters",
            ),
            item(Icon::Events, "Events", "/events", Section::Events, true),
            counted(item(Icon::Held, "Held requests", "/held", Section::Held, true), Tone::Wait, held, "held requests"),
            counted(
                item(Icon::Incidents, "Incidents", "/incidents", Section::Incidents, true),
                Tone::Bad,
                incidents,
                "open incidents",
            ),
            item(Icon::Audit, "Audit", "/audit", Section::Audit, true),
            item(Icon::Host, "Host", "/host", Section::Host, true),
        ];
        Self {
            title: title.into(),
            back: None,
            time: ground.wall.head(),
            zone: ground.wall.zone_name(),
            who,
            csrf: ask.hidden(&[]),
            items,
            scopes: Vec::new(),
            is_live: false,
            assets: Assets::get(),
        }
        .with_choices(shard.process().config().zones().into_keys().map(choice).collect(), section)
    }

    /// Only lists can be limited to a rooftop.
    fn with_choices(mut self, choices: Vec<Choice>, section: Section) -> Self {
        if !matches!(section, Section::Find | Section::Host) {
            self.scopes = choices;
        }
        self
    }

    /// A page below another one: about one thing, so there is no rooftop to choose.
    pub(super) fn below(mut self, path: impl Into<String>, words: impl Into<String>) -> Self {
        self.back = Some((path.into(), words.into()));
        self.scopes.clear();
        self
    }

    /// The script reads the page again while somebody looks at it.
    pub(super) fn live(mut self) -> Self {
        self.is_live = true;
        self
    }
}

impl Ask {
    /// The fields that every form of this session carries, and further ones.
    pub(super) fn hidden(&self, fields: &[(&'static str, &str)]) -> Hidden {
        let csrf = ("csrf", self.signed.csrf.clone());
        let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Hidden { fields: std::iter::once(csrf).chain(fields).collect() }
    }
}
