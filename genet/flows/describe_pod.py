"""Describe a pod and say why it does not run. Whatever cannot be read is told, and the rest is answered."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import msgspec

from genet.flows.pod_evidence import Collected, CollectEvidence
from genet.kube.objects import Pod
from genet.pods import description
from genet.pods.describe_text import described
from genet.pods.description import ClaimState, PodDescription
from genet.pods.diagnosis.reasons import Reason, finding
from genet.pods.diagnosis.rules import diagnose
from genet.pods.diagnosis.texts import reason
from genet.pods.diagnosis.wording import Language
from genet.pods.view import newest_first


class DescribePod:
    """Call it with a pod to get its description."""

    def __init__(self, collect: CollectEvidence, clock: Callable[[], datetime]) -> None:
        self._collect = collect
        self._clock = clock

    async def __call__(self, pod: Pod, language: Language, *, sees_names: bool = True) -> PodDescription:
        """Who else holds what the pod waits for is left out unless the caller `sees_names`.

        Raises NotFound if the pod is gone meanwhile.
        """
        collected = await self._collect(pod)
        if not sees_names:
            collected = replace(collected, evidence=replace(collected.evidence, holders=()))
        # thousands of nodes are some milliseconds of arithmetic: not on the event loop
        return await asyncio.to_thread(self._describe, collected, language)

    def _describe(self, collected: Collected, language: Language) -> PodDescription:
        evidence = collected.evidence
        reasons: tuple[Reason, ...] = diagnose(evidence, language)
        if collected.unread:
            reasons = (*reasons, reason(finding("unread", sources=list(collected.unread)), language))
        claims = {item.name: ClaimState(item.claim) for item in evidence.claims or ()}
        found = PodDescription(
            conditions=description.conditions(evidence.pod),
            containers=description.containers(evidence.pod),
            volumes=description.volumes(evidence.pod, claims),
            reasons=reasons,
            text="",
        )
        events = newest_first(evidence.events) if evidence.events is not None else None
        return msgspec.structs.replace(found, text=described(evidence.pod, found, events, self._clock()))
