import pytest

from genet import accelerators


@pytest.mark.parametrize(
    ("resource", "vendor"),
    [
        ("nvidia.com/gpu", "nvidia"),
        ("nvidia.com/gpu.shared", "nvidia"),
        ("nvidia.com/mig-1g.5gb", "nvidia"),
        ("nvidia.com/mig-1g.10gb.me", "nvidia"),
        ("nvidia.com/mig-3g.20gb.shared", "nvidia"),
        ("amd.com/gpu", "amd"),
        ("amd.com/cpx_nps4", "amd"),
        ("huawei.com/Ascend910", "ascend"),
        ("huawei.com/Ascend310P", "ascend"),
        ("huawei.com/Ascend910-12c.3cpu", "ascend"),
        ("huawei.com/npu", "ascend"),
        ("gpu.intel.com/i915", "intel"),
        ("habana.ai/gaudi", "habana"),
        ("cambricon.com/mlu370", "cambricon"),
        ("mthreads.com/gpu", "moore-threads"),
    ],
)
def test_devices_have_a_vendor(resource, vendor):
    found = accelerators.vendor_of(resource)
    assert found is not None
    assert found.name == vendor


@pytest.mark.parametrize(
    "resource",
    [
        "cpu",
        "nvidia.com/gpumem",
        "nvidia.com/gpucores",
        "nvidia.com/mig-manager",
        "huawei.com/npu-core",
        "huawei.com/Ascend910-memory",
        "gpu.intel.com/i915_monitoring",
        "evil.com/nvidia.com/gpu",
        "nvidia.com/gpu\n",
    ],
)
def test_what_counts_no_devices_has_none(resource):
    assert accelerators.vendor_of(resource) is None


@pytest.mark.parametrize(
    ("product", "model"),
    [
        ("NVIDIA-A100-SXM4-40GB", "NVIDIA-A100-SXM4-40GB"),
        ("NVIDIA-A100-SXM4-40GB-SHARED", "NVIDIA-A100-SXM4-40GB"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "NVIDIA-A100-SXM4-40GB"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED", "NVIDIA-A100-SXM4-40GB"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb.me", "NVIDIA-A100-SXM4-40GB"),
    ],
)
def test_the_model_is_what_is_left_without_suffixes(product, model):
    assert accelerators.model(product) == model


def test_profiles_are_read_from_the_resource_name():
    assert accelerators.profile("nvidia.com/mig-1g.5gb") == "1g.5gb"
    assert accelerators.profile("nvidia.com/mig-1g.5gb.shared") == "1g.5gb"
    assert accelerators.profile("nvidia.com/mig-1g.10gb.me") == "1g.10gb.me"
    assert accelerators.profile("nvidia.com/gpu") is None


def test_every_visible_devices_variable_belongs_to_one_vendor():
    variables = [vendor.visible_devices for vendor in accelerators.VENDORS if vendor.visible_devices]
    assert len(variables) == len(set(variables))
    assert "NVIDIA_VISIBLE_DEVICES" in variables


def test_configured_resources_count_devices_besides_those_of_known_vendors():
    counts = accelerators.counts_devices(["acme.com/npu"])
    assert counts("acme.com/npu")
    assert counts("nvidia.com/gpu")
    assert not counts("cpu")


@pytest.mark.parametrize(
    ("resource", "labels", "memory"),
    [
        ("nvidia.com/gpu", {"nvidia.com/gpu.memory": "81559"}, 81559),
        ("nvidia.com/gpu.shared", {"nvidia.com/gpu.memory": "81559"}, 81559),
        ("nvidia.com/mig-1g.5gb", {"nvidia.com/gpu.memory": "40960", "nvidia.com/mig-1g.5gb.memory": "4864"}, 4864),
        ("nvidia.com/mig-1g.5gb", {"nvidia.com/gpu.memory": "40960"}, None),
        ("nvidia.com/gpu", {"nvidia.com/gpu.memory": "80 GB"}, None),
        ("nvidia.com/gpu", {"nvidia.com/gpu.memory": "-1"}, None),
        ("nvidia.com/gpu", {}, None),
        ("amd.com/gpu", {"amd.com/gpu.vram": "192G"}, 192 * 1024),
        ("amd.com/gpu", {"beta.amd.com/gpu.vram.16G": "1"}, 16 * 1024),
        ("amd.com/gpu", {"beta.amd.com/gpu.vram.16G": "2", "amd.com/gpu.vram": "16G"}, 16 * 1024),
        ("amd.com/gpu", {"beta.amd.com/gpu.vram.16G": "1", "beta.amd.com/gpu.vram.64G": "1"}, None),
        ("amd.com/gpu", {"beta.amd.com/gpu.vram.16T": "1", "amd.com/gpu.family": "AI"}, None),
        ("amd.com/cpx_nps4", {"amd.com/gpu.vram": "192G"}, None),
        ("huawei.com/Ascend910", {"huawei.com/Ascend910.memory": "32768"}, None),
        ("example.com/gpu", {"example.com/gpu.memory": "32768"}, None),
    ],
)
def test_labels_tell_the_memory_of_what_a_resource_counts(resource, labels, memory):
    assert accelerators.memory_mib(resource, labels) == memory
