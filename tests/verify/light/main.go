// Program light asks CometBFT's own light client for its verdicts: JSON cases come in on standard
// input, an answer for each goes out. The verifier's tests hold their verdicts against these.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/light"
	version "github.com/cometbft/cometbft/proto/tendermint/version"
	"github.com/cometbft/cometbft/types"
)

// bytesHex is a byte string, in JSON as hexadecimal text.
type bytesHex []byte

func (b *bytesHex) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	raw, err := hex.DecodeString(text)
	*b = raw
	return err
}

type instant struct {
	Seconds     int64 `json:"seconds"`
	Nanoseconds int64 `json:"nanoseconds"`
}

func (t instant) time() time.Time { return time.Unix(t.Seconds, t.Nanoseconds).UTC() }

type blockID struct {
	Hash      bytesHex `json:"hash"`
	Parts     uint32   `json:"parts"`
	PartsHash bytesHex `json:"parts_hash"`
}

func (b *blockID) id() types.BlockID {
	if b == nil {
		return types.BlockID{}
	}
	parts := types.PartSetHeader{Total: b.Parts, Hash: []byte(b.PartsHash)}
	return types.BlockID{Hash: []byte(b.Hash), PartSetHeader: parts}
}

type header struct {
	Version     [2]uint64 `json:"version"`
	ChainID     string    `json:"chain_id"`
	Height      int64     `json:"height"`
	Time        instant   `json:"time"`
	LastBlock   *blockID  `json:"last_block"`
	LastCommit  bytesHex  `json:"last_commit"`
	Data        bytesHex  `json:"data"`
	Validators  bytesHex  `json:"validators"`
	Next        bytesHex  `json:"next_validators"`
	Consensus   bytesHex  `json:"consensus"`
	Application bytesHex  `json:"application"`
	LastResults bytesHex  `json:"last_results"`
	Evidence    bytesHex  `json:"evidence"`
	Proposer    bytesHex  `json:"proposer"`
}

func (h header) made() *types.Header {
	return &types.Header{
		Version:            version.Consensus{Block: h.Version[0], App: h.Version[1]},
		ChainID:            h.ChainID,
		Height:             h.Height,
		Time:               h.Time.time(),
		LastBlockID:        h.LastBlock.id(),
		LastCommitHash:     []byte(h.LastCommit),
		DataHash:           []byte(h.Data),
		ValidatorsHash:     []byte(h.Validators),
		NextValidatorsHash: []byte(h.Next),
		ConsensusHash:      []byte(h.Consensus),
		AppHash:            []byte(h.Application),
		LastResultsHash:    []byte(h.LastResults),
		EvidenceHash:       []byte(h.Evidence),
		ProposerAddress:    []byte(h.Proposer),
	}
}

type vote struct {
	Flag      byte     `json:"flag"`
	Address   bytesHex `json:"address"`
	Time      instant  `json:"time"`
	Signature bytesHex `json:"signature"`
}

type commit struct {
	Height int64   `json:"height"`
	Round  int32   `json:"round"`
	Block  blockID `json:"block"`
	Votes  []*vote `json:"votes"`
}

func (c commit) made() *types.Commit {
	made := &types.Commit{Height: c.Height, Round: c.Round, BlockID: c.Block.id()}
	for _, one := range c.Votes {
		if one == nil {
			made.Signatures = append(made.Signatures, types.NewCommitSigAbsent())
			continue
		}
		made.Signatures = append(made.Signatures, types.CommitSig{
			BlockIDFlag:      types.BlockIDFlag(one.Flag),
			ValidatorAddress: types.Address(one.Address),
			Timestamp:        one.Time.time(),
			Signature:        one.Signature,
		})
	}
	return made
}

type member struct {
	Key   bytesHex `json:"key"`
	Power int64    `json:"power"`
}

// set keeps the order in which the members came: a liar's set need not be in CometBFT's.
func set(members []member) (*types.ValidatorSet, error) {
	made := &types.ValidatorSet{}
	for _, one := range members {
		made.Validators = append(made.Validators, types.NewValidator(ed25519.PubKey(one.Key), one.Power))
	}
	if len(made.Validators) == 0 {
		return made, nil
	}
	made.Proposer = made.Validators[0]
	proto, err := made.ToProto()
	if err != nil {
		return nil, err
	}
	return types.ValidatorSetFromProto(proto)
}

type sealed struct {
	Header  header   `json:"header"`
	Commit  commit   `json:"commit"`
	Sealers []member `json:"sealers"`
}

// question is one case: may `next` be trusted because of `trusted`, at the time `now`?
type question struct {
	Trusted *sealed `json:"trusted"`
	Next    sealed  `json:"next"`
	Now     instant `json:"now"`
}

// answer has an empty verdict where there was no question, "trusted", or why not.
type answer struct {
	Verdict        string `json:"verdict"`
	HeaderHash     string `json:"header_hash"`
	ValidatorsHash string `json:"validators_hash"`
}

func ask(q question) (found answer) {
	defer func() {
		if fault := recover(); fault != nil {
			found.Verdict = fmt.Sprintf("fault: %v", fault)
		}
	}()
	next := q.Next.Header.made()
	found.HeaderHash = hex.EncodeToString(next.Hash())
	sealers, err := set(q.Next.Sealers)
	if err != nil {
		found.Verdict = err.Error()
		return found
	}
	found.ValidatorsHash = hex.EncodeToString(sealers.Hash())
	if q.Trusted == nil {
		return found
	}
	trustedSet, err := set(q.Trusted.Sealers)
	if err != nil {
		found.Verdict = err.Error()
		return found
	}
	trusted := &types.SignedHeader{Header: q.Trusted.Header.made(), Commit: q.Trusted.Commit.made()}
	untrusted := &types.SignedHeader{Header: next, Commit: q.Next.Commit.made()}
	period := 100 * 365 * 24 * time.Hour
	err = light.Verify(trusted, trustedSet, untrusted, sealers, period, q.Now.time(), 0, light.DefaultTrustLevel)
	found.Verdict = "trusted"
	if err != nil {
		found.Verdict = err.Error()
	}
	return found
}

func main() {
	var questions []question
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&questions); err != nil {
		fmt.Fprintln(os.Stderr, "light: the questions cannot be read:", err)
		os.Exit(2)
	}
	answers := make([]answer, 0, len(questions))
	for _, one := range questions {
		answers = append(answers, ask(one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, "light: the answers cannot be written:", err)
		os.Exit(2)
	}
}
