//! The published value: one pointer through which SNMP, HTTP and the command line read the same moment.
//!
//! Collecting, assessing and projecting put a new value together beside the old one and swap it in; readers never wait.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::mib::admin::{self, Administration};
use crate::mib::compat::{self, DefenderIot};
use crate::mib::families::{self, Moment};
use crate::mib::oid::Oid;
use crate::mib::settings::Settings;
use crate::mib::snmpv2::{self, Standing, System};
use crate::mib::standard::{self, Facts};
use crate::mib::vitals;
use crate::mib::{Indices, Segment, View};

/// Everything that is answered from.
#[derive(Debug, Clone)]
pub struct Published {
    /// Facts, health, counters.
    pub moment: Moment,
    /// Every object instance.
    pub view: Arc<View>,
    /// What managers may change.
    pub settings: Arc<Settings>,
    /// What the system group says of itself.
    pub system: Arc<System>,
    /// How the engine is administered.
    pub administration: Arc<Administration>,
    /// What the standard modules are over.
    pub facts: Arc<Facts>,
    /// What is served of another vendor's objects, if they are.
    compat: Option<Arc<DefenderIot>>,
}

impl Published {
    /// A value with every object type, and instances for what there is in `moment`.
    pub fn new(
        moment: Moment,
        settings: Settings,
        system: System,
        administration: Administration,
        compat: Option<DefenderIot>,
        indices: &mut Indices,
    ) -> Published {
        let (settings, system, administration) = (Arc::new(settings), Arc::new(system), Arc::new(administration));
        let types = families::all().iter().flat_map(|source| vitals::types(&system.root, source.shape()));
        let types = types.chain(snmpv2::MODULE.types());
        let types = types.chain(admin::MODULES.iter().flat_map(|module| module.types()));
        let types = types.chain(standard::MODULES.iter().flat_map(|module| module.types()));
        let types = types.chain(compat.iter().flat_map(|_| compat::types())).collect();
        let mut segments = standing(&system, &settings);
        segments.extend(admin::MODULES.iter().flat_map(|module| module.segments(&administration)).map(Arc::new));
        let view = View::new(segments, types);
        let (view, facts, compat) = (Arc::new(view), Arc::default(), compat.map(Arc::new));
        let empty = Published { moment: moment.clone(), view, settings, system, administration, facts, compat };
        empty.with_moment(moment, |_| true, indices)
    }

    /// The same with another moment; only the segments of the families and tables of which a section is among the
    /// `changed` are made anew.
    #[must_use]
    pub fn with_moment(&self, moment: Moment, changed: impl Fn(&str) -> bool, indices: &mut Indices) -> Published {
        let root: &Oid = &self.system.root;
        let some_changed = |sections: &[&str]| sections.iter().any(|section| changed(section));
        let facts = Arc::new(self.facts.with(&moment.snapshot, some_changed, indices));
        let standard = standard::MODULES.iter().flat_map(|module| module.segments_of(&facts, some_changed));
        let mut segments: Vec<_> = standard.map(Arc::new).collect();
        let families = families::all().iter().filter(|source| changed(source.section()));
        segments.extend(families.map(|source| Arc::new(vitals::segment(root, source, &moment, indices))));
        let mut view = self.view.with(segments);
        if let Some(config) = &self.compat {
            let (instances, aliases) = compat::segments(config, &moment);
            view = view.with([Arc::new(instances)]).with_aliases(Arc::new(aliases));
        }
        view.prepare(moment.snapshot.now.monotonic);
        Published { moment, view: Arc::new(view), facts, ..self.clone() }
    }

    /// The same with other settings.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Published {
        let settings = Arc::new(settings);
        let view = self.view.with(standing(&self.system, &settings));
        Published { view: Arc::new(view), settings, ..self.clone() }
    }
}

/// The segments that depend on what managers may change.
fn standing(system: &Arc<System>, settings: &Arc<Settings>) -> Vec<Arc<Segment>> {
    let standing = Standing { system: system.clone(), settings: settings.clone() };
    snmpv2::MODULE.segments(&Arc::new(standing)).into_iter().map(Arc::new).collect()
}

/// The pointer.
#[derive(Debug)]
pub struct State(ArcSwap<Published>);

impl State {
    /// Publishes a first value.
    pub fn new(published: Published) -> State {
        State(ArcSwap::from_pointee(published))
    }

    /// The present value, cheaply and for a moment.
    pub fn load(&self) -> Guard<Arc<Published>> {
        self.0.load()
    }

    /// The present value, to keep.
    pub fn get(&self) -> Arc<Published> {
        self.0.load_full()
    }

    /// Replaces the value by what `change` makes of it. Of two changes at once neither is lost: `change` may be called
    /// again.
    pub fn update(&self, mut change: impl FnMut(&Published) -> Published) {
        self.0.rcu(|published| change(published));
    }
}
