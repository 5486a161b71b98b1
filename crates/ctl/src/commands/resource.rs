use otpost_ipc::admin::{
    AccessSet, AdminOp, AdminReply, ResourceSettings, ResourceView, SelfServiceSettings,
};

use super::Session;
use crate::{
    CtlError, Exit,
    args::{AccessOptions, ResourceCommand, ResourceOptions, SelfServiceOptions},
};

pub(super) fn run(command: ResourceCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let op = match command {
        ResourceCommand::Add { name, options } => AdminOp::ResourceAdd {
            name,
            set: settings(None, *options),
        },
        ResourceCommand::Set {
            name,
            rename,
            without_pam_service,
            mut options,
        } => {
            if !options.pam_service.is_empty() || !without_pam_service.is_empty() {
                let added = std::mem::take(&mut options.pam_service);
                let services = services(&name, added, &without_pam_service, session)?;
                options.no_pam_services = services.is_empty();
                options.pam_service = services;
            }
            AdminOp::ResourceSet {
                name,
                set: settings(rename, *options),
            }
        }
        ResourceCommand::Show { name } => AdminOp::ResourceShow { name },
        ResourceCommand::List => return list(session),
        ResourceCommand::Remove { name } => AdminOp::ResourceRemove { name },
    };
    session.ask(op)
}

/// All pages, one after the other.
fn list(session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let mut all: Vec<ResourceView> = Vec::new();
    loop {
        let after = all.last().map(|resource| resource.name.clone());
        let AdminReply::Resources { resources, more } = session.call(AdminOp::ResourceList { after })? else {
            return Err(CtlError::Unexpected);
        };
        let done = !more || resources.is_empty();
        all.extend(resources);
        if done {
            break;
        }
    }
    session.show(&AdminReply::Resources {
        resources: all,
        more: false,
    })?;
    Ok(Exit::Done)
}

/// The services it guards now, with some more and without others: naming one must not leave another unguarded.
fn services(
    name: &str,
    added: Vec<String>,
    removed: &[String],
    session: &Session<'_, '_>,
) -> Result<Vec<String>, CtlError> {
    let show = AdminOp::ResourceShow {
        name: name.to_owned(),
    };
    let AdminReply::Resource(view) = session.call(show)? else {
        return Err(CtlError::Unexpected);
    };
    let mut services = view.settings.pam_services.unwrap_or_default();
    services.retain(|service| !removed.contains(service));
    for service in added {
        if !services.contains(&service) {
            services.push(service);
        }
    }
    Ok(services)
}

fn settings(name: Option<String>, options: ResourceOptions) -> ResourceSettings {
    let services = options.no_pam_services || !options.pam_service.is_empty();
    ResourceSettings {
        name,
        enabled: options.enabled,
        failed_attempts: options.failed_attempts,
        tries: options.tries,
        digits: options.digits,
        validity: options.validity,
        unenrolled: options.unenrolled.map(|verdict| verdict.name().to_owned()),
        disabled: options.disabled_token.map(|verdict| verdict.name().to_owned()),
        pam_services: services.then_some(options.pam_service),
        shared_phones: options.shared_phones,
        region: if options.no_region {
            Some(String::new())
        } else {
            options.region
        },
        self_service: self_service(options.self_service),
        access: access(options.access),
    }
}

/// What changes of the rules, where anything does.
fn access(options: AccessOptions) -> Option<AccessSet> {
    let lists = [
        &options.exempt_network,
        &options.exempt_user,
        &options.exempt_group,
    ];
    let exempt = options.no_exemptions || lists.iter().any(|list| !list.is_empty());
    let set = AccessSet {
        allowed_networks: (options.allow_everywhere || !options.allow_network.is_empty())
            .then_some(options.allow_network),
        hours: (options.any_time || !options.hours.is_empty()).then_some(options.hours),
        time_zone: options.time_zone,
        exempt_networks: exempt.then_some(options.exempt_network),
        exempt_users: exempt.then_some(options.exempt_user),
        exempt_groups: exempt.then_some(options.exempt_group),
        remember_minutes: options.remember,
        reply: (options.no_reply || !options.reply.is_empty()).then_some(options.reply),
    };
    (set != AccessSet::default()).then_some(set)
}

/// What changes of self-service, where anything does.
fn self_service(options: SelfServiceOptions) -> Option<SelfServiceSettings> {
    let set = SelfServiceSettings {
        address: if options.no_self_service {
            Some(String::new())
        } else {
            options.self_service_address
        },
        actions: words(options.allow),
        kinds: words(options.kinds),
        otp_length: options.otp_length,
        two_steps: (options.one_step || options.two_steps).then_some(options.two_steps),
        first_enrolment: options.first_enrolment,
        enrol_days: options.enrol_days,
        title: options.title,
        accent: options.accent,
        hint: options.hint,
    };
    (set != SelfServiceSettings::default()).then_some(set)
}

/// A list that was given; `none` alone is an empty one.
fn words(list: Vec<String>) -> Option<Vec<String>> {
    match list.as_slice() {
        [] => None,
        [word] if word == "none" => Some(Vec::new()),
        _ => Some(list),
    }
}
