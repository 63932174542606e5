import torch

from genviewer.nets.classifier import Classifier, ClassifierConfig


def test_a_classifier_tells_two_kinds_of_picture_apart():
    torch.manual_seed(0)
    x = torch.zeros(16, 3, 12, 12)
    labels = torch.arange(16) % 2
    x[labels == 0, :, :, 5:7] = 1.0
    x[labels == 1, :, 5:7, :] = 1.0
    network = Classifier(ClassifierConfig(12, 3, 2, channels=(4, 8), hidden=8))
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert network(x).shape == (16, 2)
    assert torch.equal(network(x).argmax(1), labels)
